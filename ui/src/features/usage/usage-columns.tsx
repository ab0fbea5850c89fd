import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { UsageSums } from '@/api/types'
import type { Column } from '@/components/data-table/columns'
import { useFormat } from '@/components/format'
import { durationOf, errorRateOf, firstTokenOf, type Group } from '@/components/usage/sums'
import { SourceMix } from './source-mix'
import { isStep, type Grouping, type UsageSearch } from './usage-search'
import { within } from './usage-rows'
import classes from './usage.module.css'

/** What a row is called in one dimension. */
export function useNameOf(): (row: UsageSums, one: Grouping) => string {
  const { t } = useTranslation(['usage', 'common'])
  const format = useFormat()
  return useMemo(
    () => (row, one) => {
      if (one === 'key') return row.key_name ?? ''
      if (one === 'account') return row.account ?? t('common:usage.noAccount')
      if (one === 'model') return row.model ?? ''
      if (one === 'source') return t(`source.${row.source as 'measured'}`)
      const time = row.period ?? ''
      return one === 'day' ? format.utcDate(time) : format.dateTime(time)
    },
    [t, format],
  )
}

export function useUsageColumns(
  grouping: readonly Grouping[],
  search: UsageSearch,
): Column<Group>[] {
  const { t } = useTranslation(['usage', 'common'])
  const format = useFormat()
  const nameOf = useNameOf()
  return useMemo(() => {
    const tokens = (
      id: 'input_tokens' | 'output_tokens' | 'cache_read_tokens' | 'cache_write_tokens',
      header: string,
      rest: Partial<Column<Group>>,
    ): Column<Group> => ({
      id,
      header,
      width: 100,
      align: 'end',
      sortable: true,
      cell: ({ sums }) => format.number(sums[id]),
      ...rest,
    })
    return [
      ...grouping.map((one, place): Column<Group> => ({
        id: one,
        header: t(`dimension.${one}`),
        width: isStep(one) ? 160 : 140,
        grow: place ? 2 : 3,
        sortable: true,
        priority: 0,
        // In the row of totals there is nothing to tell apart.
        cell: ({ id, row }) =>
          id === TOTALS ? null : (
            <Name name={nameOf(row, one)} to={within(search, row, one)} hint={t('only')} />
          ),
      })),
      {
        id: 'total_requests',
        header: t('common:usage.total_requests'),
        width: 95,
        align: 'end',
        sortable: true,
        priority: 1,
        cell: ({ sums }) => format.number(sums.total_requests),
      },
      {
        id: 'errors',
        header: t('column.errors'),
        width: 105,
        align: 'end',
        sortable: true,
        priority: 2,
        cell: ({ sums }) =>
          sums.errors === 0 ? (
            <span className={classes.faint}>0</span>
          ) : (
            <span className={classes.bad}>
              {format.number(sums.errors)} ({format.percent(errorRateOf(sums))})
            </span>
          ),
      },
      tokens('input_tokens', t('common:usage.input_tokens'), { priority: 6 }),
      tokens('output_tokens', t('common:usage.output_tokens'), { priority: 6 }),
      tokens('cache_read_tokens', t('column.cacheRead'), { initiallyHidden: true }),
      tokens('cache_write_tokens', t('column.cacheWrite'), { initiallyHidden: true }),
      {
        id: 'total_tokens',
        header: t('common:usage.total_tokens'),
        width: 115,
        align: 'end',
        sortable: true,
        priority: 1,
        cell: ({ sums }) => format.number(sums.total_tokens),
      },
      {
        id: 'credits',
        header: t('common:usage.credits'),
        width: 95,
        align: 'end',
        sortable: true,
        priority: 3,
        cell: ({ sums }) => format.credits(sums.credits),
      },
      {
        id: 'first_token',
        header: t('column.firstToken'),
        width: 105,
        align: 'end',
        sortable: true,
        priority: 5,
        cell: ({ sums }) => {
          const time = firstTokenOf(sums)
          return time === null ? t('common:time.none') : format.duration(time)
        },
      },
      {
        id: 'duration',
        header: t('column.duration'),
        width: 105,
        align: 'end',
        sortable: true,
        initiallyHidden: true,
        cell: ({ sums }) => {
          const time = durationOf(sums)
          return time === null ? t('common:time.none') : format.duration(time)
        },
      },
      {
        id: 'sources',
        header: t('column.sources'),
        width: 155,
        grow: 1.5,
        sortable: true,
        priority: 4,
        cell: ({ sums }) => <SourceMix sources={sums.sources} short />,
      },
    ]
  }, [grouping, search, t, format, nameOf])
}

/** The id of the row that sums all others up. */
export const TOTALS = '\0totals'

function Name({ name, to, hint }: { name: string; to: UsageSearch | null; hint: string }) {
  if (!to) return name
  return (
    <Link to="/usage" search={to} className={classes.link} title={hint}>
      {name}
    </Link>
  )
}
