import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { RequestDetail } from '@/api/types'
import { useErrorWord } from './error-word'
import { toneOf } from './outcome'
import classes from './requests.module.css'

type Source = 'client' | 'key' | 'account' | 'upstream' | 'gateway'
type Limit =
  'requests_per_minute' | 'max_concurrent_requests' | 'tokens_per_day' | 'credits_per_month'

/** Why it failed, whose limit or fault that is, and what to do. */
export function Problem({ request }: { request: RequestDetail }) {
  const { t } = useTranslation('requests')
  const word = useErrorWord()
  const { error, error_source: source, error_message: message, limit } = request
  const { title, advice } = error ? word(error) : { title: t('result.cut'), advice: null }
  const whose = limit
    ? t(`problem.limit.${limit as Limit}`, { defaultValue: limit })
    : source
      ? t(`problem.${source as Source}`)
      : null
  return (
    <section
      className={classes.problem}
      data-tone={toneOf(request)}
      aria-label={t('problem.title')}
    >
      <div className={classes.problemTitle}>
        <IconAlertTriangle size={18} aria-hidden />
        {request.status === 200 ? title : `${title} (HTTP ${request.status})`}
      </div>
      {advice && <p>{advice}</p>}
      <dl>
        {whose && (
          <div>
            <dt>{t('problem.whose')}</dt>
            <dd>{whose}</dd>
          </div>
        )}
        {message && (
          <div>
            <dt>{t('problem.said')}</dt>
            <dd>{message}</dd>
          </div>
        )}
      </dl>
      <div className={classes.links}>
        {source === 'key' && (
          <Link to="/keys/$id" params={{ id: request.key_id }} className={classes.link}>
            {t('problem.changeLimit')}
          </Link>
        )}
        {source === 'account' && request.account_id && (
          <Link to="/accounts/$id" params={{ id: request.account_id }} className={classes.link}>
            {t('problem.toAccount')}
          </Link>
        )}
        {error && (
          <Link to="/requests" search={{ error }} className={classes.link}>
            {t('problem.similar')}
          </Link>
        )}
      </div>
    </section>
  )
}
