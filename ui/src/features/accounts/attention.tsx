import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { Panel } from '@/components/panel'
import { TimeAgo } from '@/components/time-ago'
import { AccountStatus, useExplained } from './account-status'
import { needsAttention, rankOf } from './health'
import { RemedyButtons } from './remedies'
import classes from './attention.module.css'

const SHOWN = 4 // accounts; the table has all of them

/** What somebody should see to, each with what to do about it. */
export function Attention({ accounts, onAll }: { accounts: Account[]; onAll: () => void }) {
  const { t } = useTranslation('accounts')
  const explained = useExplained()
  const urgent = accounts
    .filter(({ health }) => needsAttention(health))
    .sort((a, b) => rankOf(a.health) - rankOf(b.health))
  if (urgent.length === 0) return null
  const more = urgent.length - SHOWN
  return (
    <Panel title={t('attention.title', { count: urgent.length })} flush>
      <ul className={classes.list}>
        {urgent.slice(0, SHOWN).map((account) => {
          const { reason, words, advice } = explained(account.health)
          return (
            <li key={account.id} className={classes.entry}>
              <div className={classes.who}>
                <Link to="/accounts/$id" params={{ id: account.id }} className={classes.name}>
                  {account.name}
                </Link>
                <AccountStatus health={account.health} />
              </div>
              <div className={classes.what}>
                {words ?? reason}{' '}
                {account.health.since && (
                  <span className={classes.since}>
                    · <TimeAgo time={account.health.since} />
                  </span>
                )}
                {advice && <div className={classes.advice}>{advice}</div>}
              </div>
              <div className={classes.actions}>
                <RemedyButtons account={account} />
              </div>
            </li>
          )
        })}
      </ul>
      {more > 0 && (
        <button type="button" className={classes.more} onClick={onAll}>
          {t('attention.more', { count: more })}
        </button>
      )}
    </Panel>
  )
}
