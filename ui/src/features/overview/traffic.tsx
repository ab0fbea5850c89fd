import { Skeleton } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { Chart } from '@/components/chart/chart'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { Panel } from '@/components/panel'
import { errorRateOf, firstTokenOf, sumOf } from '@/components/usage/sums'
import { sumsOverTime } from '@/components/usage/timeline'
import type { Usage } from '@/components/usage/usage-query'
import { quotaOfAll } from './quota'
import classes from './overview.module.css'

interface SummaryProps {
  /** Undefined while it is loaded for the first time. */
  traffic: Usage | undefined
  accounts: readonly Account[] | undefined
}

/** The whole range in six numbers. */
export function Summary({ traffic, accounts }: SummaryProps) {
  const { t } = useTranslation(['overview', 'common'])
  const format = useFormat()
  const sums = useMemo(() => sumOf(traffic?.rows ?? []), [traffic])
  const quota = useMemo(() => quotaOfAll(accounts ?? []), [accounts])
  if (!traffic) return <Skeleton height={88} />
  const first = firstTokenOf(sums)
  const none = t('common:time.none')
  return (
    <Figures>
      <Figure
        label={t('common:usage.total_requests')}
        value={format.number(sums.total_requests)}
        note={
          sums.total_requests
            ? t('figure.answered', { percent: format.percent(1 - errorRateOf(sums)) })
            : null
        }
      />
      <Figure
        label={t('common:usage.errors')}
        value={format.number(sums.errors)}
        note={t('figure.errorRate', { percent: format.percent(errorRateOf(sums)) })}
      />
      <Figure
        label={t('common:usage.first_token')}
        value={first === null ? none : format.duration(first)}
        note={t('figure.onAverage')}
      />
      <Figure
        label={t('common:usage.total_tokens')}
        value={
          <span title={format.number(sums.total_tokens)}>{format.compact(sums.total_tokens)}</span>
        }
        note={t('figure.inAndOut', {
          input: format.compact(sums.total_tokens - sums.output_tokens),
          output: format.compact(sums.output_tokens),
        })}
      />
      <Figure label={t('common:usage.credits')} value={format.credits(sums.credits)} />
      <Figure
        label={t('figure.quota')}
        value={quota ? format.credits(quota.remaining) : none}
        note={
          quota
            ? t('figure.quotaOfAccounts', {
                limit: format.credits(quota.limit),
                count: quota.accounts,
              })
            : t('accounts.unknown')
        }
      />
    </Figures>
  )
}

const HEIGHT = 170 // pixels

/** The same over time: four questions that an operator has at a glance. */
export function TrafficCharts({ traffic }: { traffic: Usage | undefined }) {
  const { t } = useTranslation(['overview', 'common'])
  const format = useFormat()
  const { times, sums } = useMemo(
    () =>
      traffic ? sumsOverTime(traffic.rows, traffic.window, traffic.at) : { times: [], sums: [] },
    [traffic],
  )
  const lines = useMemo(
    () => ({
      requests: [
        {
          label: t('chart.answered'),
          values: sums.map((one) => one.total_requests - one.errors),
        },
        { label: t('chart.failed'), values: sums.map((one) => one.errors) },
      ],
      firstToken: [{ label: t('chart.firstToken'), values: sums.map(firstTokenOf) }],
      tokens: [
        {
          label: t('common:usage.input_tokens'),
          values: sums.map((one) => one.total_tokens - one.output_tokens),
        },
        {
          label: t('common:usage.output_tokens'),
          values: sums.map((one) => one.output_tokens),
        },
      ],
      credits: [{ label: t('chart.credits'), values: sums.map((one) => one.credits) }],
    }),
    [sums, t],
  )
  const shared = {
    loading: !traffic,
    times,
    daily: traffic?.window.step === 'day',
    height: HEIGHT,
  }
  return (
    <div className={classes.charts}>
      <Panel title={t('chart.requests')}>
        <Chart {...shared} label={t('chart.requests')} series={lines.requests} stacked />
      </Panel>
      <Panel title={t('chart.firstToken')}>
        <Chart
          {...shared}
          label={t('chart.firstToken')}
          series={lines.firstToken}
          kind="line"
          write={format.duration}
        />
      </Panel>
      <Panel title={t('chart.tokens')}>
        <Chart {...shared} label={t('chart.tokens')} series={lines.tokens} stacked />
      </Panel>
      <Panel title={t('chart.credits')}>
        <Chart
          {...shared}
          label={t('chart.credits')}
          series={lines.credits}
          write={format.credits}
        />
      </Panel>
    </div>
  )
}
