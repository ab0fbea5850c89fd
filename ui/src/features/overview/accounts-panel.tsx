import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { useFormat } from '@/components/format'
import { Meter } from '@/components/meter'
import { Panel } from '@/components/panel'
import { Status, type Tone } from '@/components/status'
import { TimeAgo } from '@/components/time-ago'
import { resetOf, worstFirst } from './quota'
import classes from './overview.module.css'

const SHOWN = 12
const TONES: Record<Account['health']['state'], Tone> = {
  active: 'ok',
  cooling_down: 'warn',
  quota_exhausted: 'warn',
  failing: 'bad',
  forbidden: 'bad',
  misconfigured: 'bad',
  sign_in_required: 'bad',
  suspended: 'bad',
  not_signed_in: 'warn',
  disabled: 'off',
}

/** How the accounts are, and what is left of their quotas, those in trouble first. */
export function AccountsPanel({ accounts }: { accounts: readonly Account[] }) {
  const { t } = useTranslation('overview')
  const sorted = useMemo(() => worstFirst(accounts), [accounts])
  const more = sorted.length - SHOWN
  return (
    <Panel
      title={t('accounts.title')}
      aside={
        <Link to="/accounts" className={classes.all}>
          {more > 0 ? t('accounts.more', { count: more }) : t('top.all')}
        </Link>
      }
    >
      <ul className={classes.accounts}>
        {sorted.slice(0, SHOWN).map((account) => (
          <AccountItem key={account.id} account={account} />
        ))}
      </ul>
    </Panel>
  )
}

function AccountItem({ account }: { account: Account }) {
  const { t } = useTranslation('overview')
  const format = useFormat()
  const { health, usage_limits: quota } = account
  const reset = resetOf(quota)
  return (
    <li className={classes.account}>
      <div className={classes.who}>
        <Link to="/accounts/$id" params={{ id: account.id }} className={classes.name}>
          {account.name}
        </Link>
        <Status tone={TONES[health.state]} label={t(`state.${health.state}`)} />
      </div>
      {health.state !== 'active' && (
        <p className={classes.why}>
          {t(`trouble.${health.state}`)}
          {health.until && (
            <>
              {' '}
              {t('accounts.until')} <TimeAgo time={health.until} />
            </>
          )}
        </p>
      )}
      {quota?.known ? (
        <Meter
          label={t('accounts.quota')}
          share={quota.total.limit > 0 ? quota.total.used / quota.total.limit : 1}
          value={t('accounts.left', {
            left: format.credits(quota.total.remaining),
            limit: format.credits(quota.total.limit),
          })}
          note={
            reset && (
              <>
                {t('accounts.resets')} <TimeAgo time={reset} /> ({format.date(reset)})
              </>
            )
          }
        />
      ) : (
        <p className={classes.why}>{t('accounts.unknown')}</p>
      )}
    </li>
  )
}
