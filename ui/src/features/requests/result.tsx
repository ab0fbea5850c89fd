import { useTranslation } from 'react-i18next'
import type { RequestRow } from '@/api/types'
import { Status } from '@/components/status'
import { useErrorWord } from './error-word'
import { toneOf } from './outcome'
import classes from './requests.module.css'

/** How a request went, in a word or two. */
export function Result({ request }: { request: RequestRow }) {
  const { t } = useTranslation('requests')
  const word = useErrorWord()
  const { status, failed, error, retries, origin } = request
  const title = error ? word(error).title : null
  return (
    <span className={classes.result}>
      <Status tone={toneOf(request)} label={failed ? (title ?? t('result.cut')) : t('result.ok')} />
      <span className={classes.dim}>
        {failed && status !== 200 ? status : ''}
        {!failed && retries > 0 ? t('result.retried', { count: retries }) : ''}
        {origin === 'client' ? '' : ` ${t(`origin.${origin}`)}`}
      </span>
    </span>
  )
}
