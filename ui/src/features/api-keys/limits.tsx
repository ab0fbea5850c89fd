import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { ApiKey, LimitStanding } from '@/api/types'
import { useFormat } from '@/components/format'
import { Meter, toneOfShare } from '@/components/meter'
import { TimeAgo } from '@/components/time-ago'
import { standingQuery } from './keys-api'
import { hasLimits, isLimitName, shareOf, tightest } from './standing'
import classes from './limits.module.css'

/** How each limit of a key stands, and when it is free again. */
export function LimitMeters({ limits }: { limits: readonly LimitStanding[] }) {
  const { t } = useTranslation('keys')
  const write = useWriteAmount()
  return (
    <div className={classes.meters}>
      {limits.map((one) => (
        <Meter
          key={one.name}
          label={isLimitName(one.name) ? t(`limit.${one.name}`) : one.name}
          share={shareOf(one)}
          value={t('limit.of', { used: write(one, one.used), limit: write(one, one.limit) })}
          note={
            one.resets_at ? (
              <>
                {t('limit.free')} <TimeAgo time={one.resets_at} />
              </>
            ) : null
          }
        />
      ))}
    </div>
  )
}

function useWriteAmount() {
  const format = useFormat()
  return ({ name }: LimitStanding, amount: number) =>
    name === 'credits_per_month' ? format.credits(amount) : format.number(amount)
}

const ROW_FRESH = 15_000 // milliseconds

/** In a table: the limit that is nearest to being reached. */
export function TightestLimit({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation('keys')
  const format = useFormat()
  const standing = useQuery({
    ...standingQuery(apiKey.id),
    enabled: hasLimits(apiKey),
    staleTime: ROW_FRESH,
    refetchInterval: ROW_FRESH,
  })
  if (!hasLimits(apiKey)) return <span className={classes.none}>{t('limit.none')}</span>
  const worst = tightest(standing.data?.limits ?? [])
  if (!worst || !isLimitName(worst.name)) return <span className={classes.none}>…</span>
  const share = Math.min(1, shareOf(worst))
  return (
    <span className={classes.tightest} title={t(`limit.${worst.name}`)}>
      <span className={classes.track} data-tone={toneOfShare(share)} aria-hidden>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className={classes.share}>{format.percent(share)}</span>
      <span className={classes.unit}>{t(`limit.short.${worst.name}`)}</span>
    </span>
  )
}
