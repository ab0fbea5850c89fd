import { useTranslation } from 'react-i18next'
import { useFormat } from '../format'
import type { Exchange } from './use-exchange'
import classes from './reply.module.css'

/** Under an answer: status, times, tokens, and why it ended. */
export function ExchangeFigures({ exchange }: { exchange: Exchange }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { status, firstToken, duration, reply, stopped } = exchange
  return (
    <div className={classes.figures}>
      {status !== null && <span>HTTP {status}</span>}
      {reply.model && <span>{reply.model}</span>}
      {firstToken !== null && (
        <span>{t('reply.firstToken', { duration: format.duration(firstToken) })}</span>
      )}
      {duration !== null && (
        <span>{t('reply.total', { duration: format.duration(duration) })}</span>
      )}
      {reply.inputTokens !== null && reply.outputTokens !== null && (
        <span>
          {t('reply.tokens', {
            input: format.number(reply.inputTokens),
            output: format.number(reply.outputTokens),
          })}
        </span>
      )}
      {reply.stopReason && (
        <span>
          {t('reply.endedBy')} <code>{reply.stopReason}</code>
        </span>
      )}
      {stopped && <span>{t('reply.stopped')}</span>}
    </div>
  )
}
