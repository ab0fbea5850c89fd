import { Button, Group, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { UsageSums } from '@/api/types'
import { Chart } from '@/components/chart/chart'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Panel } from '@/components/panel'
import { Choice, RangeChoice } from '@/components/usage/range-choice'
import { groupRows, type Group as ModelGroup, type Measure } from '@/components/usage/sums'
import { timelineOf } from '@/components/usage/timeline'
import { usageQuery } from '@/components/usage/usage-query'
import classes from './keys.module.css'

const modelOf = (row: UsageSums) => row.model ?? ''
const MEASURES: Measure[] = ['total_requests', 'total_tokens', 'credits']

/** What a key has used: a chart over time and the same sums as a table. */
export function KeyUsage({ id }: { id: string }) {
  const { t } = useTranslation(['keys', 'common'])
  const format = useFormat()
  const { range = '7d' } = useSearch({ from: '/keys/$id' })
  const navigate = useNavigate({ from: '/keys/$id' })
  const [measure, setMeasure] = useState<Measure>('total_requests')
  const usage = useQuery(usageQuery({ when: { range }, by: ['model'], overTime: true, keys: [id] }))
  const { data } = usage
  const timeline = useMemo(
    () =>
      data
        ? timelineOf(data.rows, data.window, { measure, now: data.at, lineOf: modelOf })
        : { times: [], series: [] },
    [data, measure],
  )
  const models = useMemo(
    () =>
      groupRows(data?.rows ?? [], modelOf).sort(
        (a, b) => b.sums.total_requests - a.sums.total_requests,
      ),
    [data],
  )

  return (
    <Panel
      title={t('usage.title')}
      aside={
        <RangeChoice
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
            <Group justify="space-between">
              <Choice
                label={t('common:usage.measure')}
                data={MEASURES.map((value) => ({ value, label: t(`common:usage.${value}`) }))}
                value={measure}
                onChange={setMeasure}
              />
              <Button
                variant="subtle"
                size="compact-sm"
                renderRoot={(props) => (
                  <Link to="/usage" search={{ key: id, range, group: 'model' }} {...props} />
                )}
              >
                {t('usage.more')}
              </Button>
            </Group>
          )}
          <Chart
            label={`${t('usage.title')}: ${t(`common:usage.${measure}`)}`}
            loading={usage.isPending}
            times={timeline.times}
            series={timeline.series}
            write={measure === 'credits' ? format.credits : undefined}
            daily={data?.window.step === 'day'}
            stacked
          />
          {models.length > 0 && <ModelTable models={models} />}
        </Stack>
      )}
    </Panel>
  )
}

function ModelTable({ models }: { models: ModelGroup[] }) {
  const { t } = useTranslation(['keys', 'common'])
  const format = useFormat()
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('usage.byModel')}>
      <table className={classes.usageTable}>
        <thead>
          <tr>
            <th scope="col">{t('usage.model')}</th>
            <th scope="col">{t('common:usage.total_requests')}</th>
            <th scope="col">{t('common:usage.errors')}</th>
            <th scope="col">{t('common:usage.input_tokens')}</th>
            <th scope="col">{t('common:usage.output_tokens')}</th>
            <th scope="col">{t('common:usage.total_tokens')}</th>
            <th scope="col">{t('common:usage.credits')}</th>
          </tr>
        </thead>
        <tbody>
          {models.map(({ id, sums }) => (
            <tr key={id}>
              <td>{id}</td>
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
