import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ExchangeFigures } from '@/components/reply/figures'
import { ReplyView } from '@/components/reply/reply-view'
import type { Exchange } from '@/components/reply/use-exchange'
import type { Turn, UserTurn } from './turns'
import classes from './playground.module.css'

interface ConversationProps {
  turns: readonly Turn[]
  /** The answer that is coming. */
  running: Exchange | null
}

/** What was asked and answered so far. */
export function Conversation({ turns, running }: ConversationProps) {
  const { t } = useTranslation('playground')
  return (
    <ol className={classes.turns} aria-label={t('conversation')}>
      {turns.map((turn, place) => (
        <li key={place} data-role={turn.role}>
          {turn.role === 'user' ? <Asked turn={turn} /> : <Answered exchange={turn.exchange} />}
        </li>
      ))}
      {running && (
        <li data-role="assistant">
          <Answered exchange={running} />
        </li>
      )}
    </ol>
  )
}

function Asked({ turn }: { turn: UserTurn }) {
  const { t } = useTranslation('playground')
  return (
    <div className={classes.asked}>
      {turn.answers.map(({ id, name, text }) => (
        <div key={id} className={classes.result}>
          {t('toolResult', { name, text })}
        </div>
      ))}
      {turn.pictures.map(({ name, type, data }, place) => (
        <img key={place} alt={name} src={`data:${type};base64,${data}`} />
      ))}
      {turn.text}
    </div>
  )
}

function Answered({ exchange }: { exchange: Exchange }) {
  const { t } = useTranslation('playground')
  const { running, requestId } = exchange
  return (
    <div className={classes.answered}>
      <ReplyView reply={exchange.reply} running={running} />
      <div className={classes.under}>
        <ExchangeFigures exchange={exchange} />
        {!running && requestId && (
          <Link to="/requests/$id" params={{ id: requestId }} className={classes.link}>
            {t('logged')}
          </Link>
        )}
      </div>
    </div>
  )
}
