import { Button, Stack, Text } from '@mantine/core'
import { IconChartBar, IconDownload } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { Chart } from '@/components/chart/chart'
import { sortRows } from '@/components/data-table/columns'
import { DataTable } from '@/components/data-table/data-table'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { Choice } from '@/components/usage/range-choice'
import {
  errorRateOf,
  firstTokenOf,
  groupRows,
  MEASURES,
  sumOf,
  type Measure,
  type Sums,
} from '@/components/usage/sums'
import { timelineOf } from '@/components/usage/timeline'
import {
  usageFile,
  usageQuery,
  type Usage,
  type UsageQuestion,
} from '@/components/usage/usage-query'
import { RowMenu } from './row-menu'
import { SourceMix } from './source-mix'
import { TOTALS, useNameOf, useUsageColumns } from './usage-columns'
import { UsageControls } from './usage-controls'
import { groupIdOf, sortValue, valueOf } from './usage-rows'
import {
  groupingOf,
  isStep,
  whenOf,
  wordsOf,
  type Grouping,
  type UsageSearch,
} from './usage-search'
import classes from './usage.module.css'

export function UsagePage() {
  const { t } = useTranslation('usage')
  const search = useSearch({ from: '/usage' })
  const navigate = useNavigate({ from: '/usage' })
  const question = useMemo(() => questionOf(search), [search])
  const usage = useQuery(usageQuery(question))
  const change = (part: Partial<UsageSearch>) =>
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })

  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={<Download search={search} question={question} />}
    >
      <UsageControls search={search} rows={usage.data?.rows ?? []} onChange={change} />
      {usage.isError && !usage.data ? (
        <Panel>
          <LoadError error={usage.error} onRetry={usage.refetch} retrying={usage.isFetching} />
        </Panel>
      ) : (
        <Content
          usage={usage.data}
          search={search}
          stale={usage.isPlaceholderData}
          onChange={change}
          onRetry={usage.refetch}
        />
      )}
    </Page>
  )
}

/** One question for the chart and the table; what is not told apart there is summed up here. */
function questionOf(search: UsageSearch): UsageQuestion {
  const grouping = groupingOf(search.group)
  return {
    when: whenOf(search),
    by: grouping.filter((one) => !isStep(one)),
    overTime: true,
    step: grouping.find(isStep),
    keys: wordsOf(search.key),
    accounts: wordsOf(search.account),
    models: wordsOf(search.model),
  }
}

interface ContentProps {
  usage: Usage | undefined
  search: UsageSearch
  /** What is shown is the answer to an earlier question. */
  stale: boolean
  onChange: (part: Partial<UsageSearch>) => void
  onRetry: () => unknown
}

function Content({ usage, search, stale, onChange, onRetry }: ContentProps) {
  const { t } = useTranslation(['usage', 'common'])
  // Until the new rows are there, the old ones keep their columns.
  const grouping = useMemo(
    () => (usage ? groupingOfAnswer(usage.question) : groupingOf(search.group)),
    [usage, search.group],
  )
  const nameOf = useNameOf()
  const columns = useUsageColumns(grouping, search)
  const groups = useMemo(
    () => usage && groupRows(usage.rows, (row) => groupIdOf(row, grouping)),
    [usage, grouping],
  )
  const sums = useMemo(() => sumOf(usage?.rows ?? []), [usage])
  const period = grouping.find(isStep)
  const sort = search.sort ?? (period ? `-${period}` : '-total_requests')
  const sorted = useMemo(
    () => groups && sortRows(groups, sort, (group, column) => sortValue(group, column, nameOf)),
    [groups, sort, nameOf],
  )
  const first = usage?.rows[0]

  return (
    <Stack gap="md" className={stale ? classes.stale : undefined} aria-busy={stale}>
      {usage && <Summary sums={sums} />}
      <UsageChart
        usage={usage}
        by={grouping.find((one) => !isStep(one))}
        measure={search.measure ?? 'total_requests'}
        onMeasure={(measure) => onChange({ measure })}
      />
      <DataTable
        label={t('table')}
        id="usage"
        columns={columns}
        rows={sorted}
        rowKey={(group) => group.id}
        totals={first && { label: t('total'), row: { id: TOTALS, row: first, sums } }}
        onRetry={onRetry}
        empty={
          <Panel>
            <Message icon={IconChartBar} title={t('empty')}>
              {t('emptyHint')}
            </Message>
          </Panel>
        }
        actions={
          usage &&
          ((group) => (
            <RowMenu group={group} grouping={grouping} search={search} window={usage.window} />
          ))
        }
        sort={sort}
        onSort={(column) => onChange({ sort: column })}
      />
    </Stack>
  )
}

function groupingOfAnswer({ by, step }: UsageQuestion): Grouping[] {
  return step ? [step, ...by] : [...by]
}

function Summary({ sums }: { sums: Sums }) {
  const { t } = useTranslation(['usage', 'common'])
  const format = useFormat()
  const first = firstTokenOf(sums)
  return (
    <Figures>
      <Figure label={t('common:usage.total_requests')} value={format.number(sums.total_requests)} />
      <Figure
        label={t('common:usage.errors')}
        value={format.number(sums.errors)}
        note={t('figure.errorRate', { percent: format.percent(errorRateOf(sums)) })}
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
        label={t('common:usage.first_token')}
        value={first === null ? t('common:time.none') : format.duration(first)}
        note={t('figure.onAverage')}
      />
      <Figure
        label={t('figure.figures')}
        value={
          <div className={classes.figureMix}>
            <SourceMix sources={sums.sources} />
          </div>
        }
      />
    </Figures>
  )
}

interface UsageChartProps {
  usage: Usage | undefined
  by: Grouping | undefined
  measure: Measure
  onMeasure: (measure: Measure) => void
}

function UsageChart({ usage, by, measure, onMeasure }: UsageChartProps) {
  const { t } = useTranslation(['usage', 'common'])
  const format = useFormat()
  const nameOf = useNameOf()
  const timeline = useMemo(() => {
    if (!usage) return { times: [], series: [] }
    const names = new Map(
      by ? usage.rows.map((row) => [valueOf(row, by), nameOf(row, by)] as const) : [],
    )
    const seen = new Map<string, number>()
    for (const name of names.values()) seen.set(name, (seen.get(name) ?? 0) + 1)
    return timelineOf(usage.rows, usage.window, {
      measure,
      now: usage.at,
      lineOf: by && ((row) => valueOf(row, by)),
      labelOf: (id) => {
        const name = by ? (names.get(id) ?? id) : t(`common:usage.${measure}`)
        // Names of keys need not be unique.
        return (seen.get(name) ?? 0) > 1 ? `${name} (${id.slice(0, 6)})` : name
      },
      others: t('common:usage.others'),
    })
  }, [usage, by, measure, nameOf, t])
  const daily = usage?.window.step === 'day'
  const what = t(`common:usage.${measure}`)

  return (
    <Panel
      title={t('overTime', { what })}
      aside={
        <Choice
          label={t('common:usage.measure')}
          data={MEASURES.map((value) => ({ value, label: t(`common:usage.${value}`) }))}
          value={measure}
          onChange={onMeasure}
        />
      }
    >
      <Chart
        label={t('overTime', { what })}
        loading={!usage}
        times={timeline.times}
        series={timeline.series}
        write={
          measure === 'credits'
            ? format.credits
            : measure === 'first_token'
              ? format.duration
              : undefined
        }
        kind={measure === 'first_token' ? 'line' : 'bars'}
        daily={daily}
        stacked={measure !== 'first_token'}
        height={260}
      />
      {daily && timeline.times.length > 0 && (
        <Text size="xs" c="dimmed" mt={6}>
          {t('utc')}
        </Text>
      )}
    </Panel>
  )
}

/** The table's rows as the API gives them, whatever they are sorted by. */
function Download({ search, question }: { search: UsageSearch; question: UsageQuestion }) {
  const { t } = useTranslation('usage')
  const download = useMutation({
    mutationFn: async () => {
      const file = await usageFile({ ...question, overTime: groupingOf(search.group).some(isStep) })
      const link = document.createElement('a')
      link.href = URL.createObjectURL(file)
      link.download = `usage-${new Date().toISOString().slice(0, 10)}.csv`
      link.click()
      URL.revokeObjectURL(link.href)
    },
  })
  return (
    <Stack gap={4} align="flex-end">
      <Button
        variant="default"
        leftSection={<IconDownload size={16} aria-hidden />}
        loading={download.isPending}
        onClick={() => download.mutate()}
      >
        {t('csv')}
      </Button>
      {download.isError && (
        <Text size="xs" c="var(--ui-bad)" role="alert">
          {t('csvFailed')}: {download.error.message}
        </Text>
      )}
    </Stack>
  )
}
