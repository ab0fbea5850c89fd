import { useTranslation } from 'react-i18next'
import type { Quota } from '@/api/types'
import { useFormat } from '@/components/format'
import { toneOfShare } from '@/components/meter'
import { shareUsed } from './quota'
import classes from './accounts.module.css'

/** In a table: how much of a quota is used, and what is left. */
export function QuotaBar({ quota }: { quota: Quota | undefined }) {
  const { t } = useTranslation('accounts')
  const format = useFormat()
  const used = shareUsed(quota)
  if (used === null || !quota) return <span className={classes.dimmed}>{t('unknown')}</span>
  const share = Math.min(1, used)
  return (
    <span className={classes.quota}>
      <span className={classes.track} data-tone={toneOfShare(share)} aria-hidden>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className={classes.share}>{format.percent(used)}</span>
      <span className={classes.dimmed}>
        {t('quota.left', { left: format.credits(quota.total.remaining) })}
      </span>
    </span>
  )
}
