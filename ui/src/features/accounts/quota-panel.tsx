import { Button, Stack } from '@mantine/core'
import { IconGaugeFilled, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Account, Quota } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { Meter } from '@/components/meter'
import { Panel } from '@/components/panel'
import { TimeAgo } from '@/components/time-ago'
import { quotaQuery, useRenewQuota } from './accounts-api'
import { Problem } from './problem'
import { partsOf, resetOf, shareUsed } from './quota'
import classes from './account.module.css'

/** What an account has left, of what it is made, and when it begins anew. */
export function QuotaPanel({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const quota = useQuery(quotaQuery(account.id))
  const renew = useRenewQuota(account.id)
  return (
    <Panel
      title={t('quota.title')}
      aside={
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconRefresh size={14} aria-hidden />}
          loading={renew.isPending}
          onClick={() => renew.mutate()}
        >
          {t('quota.renew')}
        </Button>
      }
    >
      <Problem error={renew.error} />
      {quota.isPending && <Loading lines={3} />}
      {quota.isError && !quota.data && (
        <LoadError error={quota.error} onRetry={quota.refetch} retrying={quota.isFetching} />
      )}
      {quota.data && <Amounts quota={quota.data} />}
    </Panel>
  )
}

function Amounts({ quota }: { quota: Quota }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const share = shareUsed(quota)
  const parts = partsOf(quota)
  const reset = resetOf(quota)
  const of = (used: number, limit: number) =>
    t('quota.of', { used: format.credits(used), limit: format.credits(limit) })
  return (
    <Stack gap="lg">
      {share === null ? (
        <Message icon={IconGaugeFilled} title={t('quota.unknown')}>
          {t('quota.unknownHint')}
        </Message>
      ) : (
        <Meter
          label={
            quota.exhausted
              ? t('quota.exhausted')
              : t('quota.left', { left: format.credits(quota.total.remaining) })
          }
          share={share}
          value={`${of(quota.total.used, quota.total.limit)} · ${format.percent(share)}`}
        />
      )}
      {share !== null && parts.length > 1 && (
        <div className={classes.meters}>
          {parts.map(({ kind, used, limit, until }) => (
            <Meter
              key={kind}
              label={t(`quota.${kind}`)}
              share={limit > 0 ? used / limit : 1}
              value={of(used, limit)}
              note={
                until && (
                  <>
                    {t('quota.trialEnds')} <TimeAgo time={until} />
                  </>
                )
              }
            />
          ))}
        </div>
      )}
      <Details
        items={[
          [t('column.plan'), quota.tier || t('common:time.none')],
          [
            t('quota.resets'),
            reset ? (
              <>
                {format.date(reset)}{' '}
                <span className={classes.dimmed}>
                  (<TimeAgo time={reset} />)
                </span>
              </>
            ) : (
              t('unknown')
            ),
          ],
          [t('quota.overage'), <Overage key="overage" quota={quota} />],
          [
            t('quota.charges'),
            quota.overage.charges > 0
              ? `${format.credits(quota.overage.charges)} ${quota.overage.currency}`
              : null,
          ],
          [
            t('quota.bonusStatus'),
            quota.bonuses.length > 0
              ? format.list(
                  quota.bonuses.map(
                    ({ used, limit, active }) =>
                      `${of(used, limit)} (${t(active ? 'quota.bonusActive' : 'quota.bonusOver')})`,
                  ),
                )
              : null,
          ],
          [t('quota.fetched'), <TimeAgo key="fetched" time={quota.fetched_at} />],
        ]}
      />
    </Stack>
  )
}

function Overage({ quota }: { quota: Quota }) {
  const { t } = useTranslation('accounts')
  const format = useFormat()
  const { enabled, used, rate, cap, currency } = quota.overage
  if (!enabled) return t('quota.overageOff')
  const facts = [
    t('quota.overageOn'),
    used > 0 && t('quota.overageUsed', { used: format.credits(used) }),
    cap !== null && t('quota.overageCap', { cap: format.credits(cap) }),
    rate !== null && t('quota.overageRate', { rate: format.credits(rate), currency }),
  ]
  return facts.filter(Boolean).join(' · ')
}
