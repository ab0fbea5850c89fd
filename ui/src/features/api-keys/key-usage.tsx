import { SegmentedControl, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Chart } from '@/components/chart/chart'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Panel } from '@/components/panel'
import { RANGES } from '@/components/search'
import { keyUsageQuery } from './keys-api'
import { sumsByModel, timelineOf, type Measure, type ModelSums } from './usage'
import classes from './keys.module.css'

const MEASURES: Measure[] = ['total_requests', 'total_tokens', 'credits']

/** What a key has used: a chart over time and the same sums as a table. */
export function KeyUsage({ id }: { id: string }) {
  const { t } = useTranslation('keys')
  const format = useFormat()
  const { range = '7d' } = useSearch({ from: '/keys/$id' })
  const navigate = useNavigate({ from: '/keys/$id' })
  const [measure, setMeasure] = useState<Measure>('total_requests')
  const usage = useQuery(keyUsageQuery(id, range))
  const { data } = usage
  const now = usage.dataUpdatedAt
  const timeline = useMemo(
    () => timelineOf(data ?? [], measure, range, now),
    [data, measure, range, now],
  )
  const models = useMemo(() => sumsByModel(data ?? []), [data])

  return (
    <Panel
      title={t('usage.title')}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={t('usage.range')}
          data={RANGES.map((value) => ({ value, label: t(`usage.${value}`) }))}
          value={range}
          onChange={(value) => void navigate({ search: { range: value }, replace: true })}
        />
      }
    >
      {usage.isError && !data ? (
        <LoadError error={usage.error} onRetry={usage.refetch} retrying={usage.isFetching} />
      ) : (
        <Stack gap="md">
          {models.length > 0 && (
            <SegmentedControl
              size="xs"
              aria-label={t('usage.measure')}
              style={{ alignSelf: 'flex-start' }}
              data={MEASURES.map((value) => ({ value, label: t(`usage.${value}`) }))}
              value={measure}
              onChange={(value) => setMeasure(value)}
            />
          )}
          <Chart
            label={`${t('usage.title')}: ${t(`usage.${measure}`)}`}
            loading={usage.isPending}
            times={timeline.times}
            series={timeline.series}
            write={measure === 'credits' ? format.credits : undefined}
            daily={range !== '24h'}
            stacked
          />
          {models.length > 0 && <ModelTable models={models} />}
        </Stack>
      )}
    </Panel>
  )
}

function ModelTable({ models }: { models: ModelSums[] }) {
  const { t } = useTranslation('keys')
  const format = useFormat()
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('usage.byModel')}>
      <table className={classes.usageTable}>
        <thead>
          <tr>
            <th scope="col">{t('usage.model')}</th>
            <th scope="col">{t('usage.total_requests')}</th>
            <th scope="col">{t('usage.errors')}</th>
            <th scope="col">{t('usage.input')}</th>
            <th scope="col">{t('usage.output')}</th>
            <th scope="col">{t('usage.total_tokens')}</th>
            <th scope="col">{t('usage.credits')}</th>
          </tr>
        </thead>
        <tbody>
          {models.map((sums) => (
            <tr key={sums.model}>
              <td>{sums.model}</td>
              <td>{format.number(sums.total_requests)}</td>
              <td>{format.number(sums.errors)}</td>
              <td>{format.number(sums.input_tokens)}</td>
              <td>{format.number(sums.output_tokens)}</td>
              <td>{format.number(sums.total_tokens)}</td>
              <td>{format.credits(sums.credits)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
