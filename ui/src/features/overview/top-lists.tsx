import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { UsageSums } from '@/api/types'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Panel } from '@/components/panel'
import type { Range } from '@/components/search'
import { trafficQuery } from './overview-api'
import classes from './overview.module.css'

const SHOWN = 5
type By = 'key' | 'account' | 'model'
const TITLES = { key: 'top.keys', account: 'top.accounts', model: 'top.models' } as const

export function TopLists({ range }: { range: Range }) {
  return (
    <div className={classes.lists}>
      <TopList range={range} by="key" />
      <TopList range={range} by="account" />
      <TopList range={range} by="model" />
    </div>
  )
}

function TopList({ range, by }: { range: Range; by: By }) {
  const { t } = useTranslation(['overview', 'common'])
  const format = useFormat()
  const usage = useQuery(trafficQuery(range, by))
  const rows = useMemo(
    () =>
      [...(usage.data?.rows ?? [])]
        .sort((a, b) => b.total_requests - a.total_requests)
        .slice(0, SHOWN),
    [usage.data],
  )
  const most = rows[0]?.total_requests ?? 1
  const title = t(TITLES[by])
  return (
    <Panel
      title={title}
      aside={
        <Link
          to="/usage"
          search={{ range, ...(by === 'key' ? {} : { group: by }) }}
          className={classes.all}
          aria-label={t('top.allOf', { what: title })}
        >
          {t('top.all')}
        </Link>
      }
    >
      {usage.isError && !usage.data ? (
        <LoadError error={usage.error} onRetry={usage.refetch} retrying={usage.isFetching} />
      ) : usage.isPending ? (
        <Skeleton height={150} />
      ) : (
        <ol className={classes.top}>
          {rows.map((row) => (
            <li key={idOf(row, by)}>
              <span className={classes.line}>
                <Name row={row} by={by} range={range} none={t('common:usage.noAccount')} />
                <span className={classes.count}>
                  {t('top.requests', {
                    count: row.total_requests,
                    formatted: format.number(row.total_requests),
                  })}
                </span>
              </span>
              <span className={classes.bar} aria-hidden>
                <span style={{ width: `${(row.total_requests / most) * 100}%` }} />
              </span>
              <span className={classes.under}>
                {t('top.tokens', { tokens: format.compact(row.total_tokens) })}
                {row.errors > 0 && (
                  <span className={classes.failed}>
                    {`${t('common:usage.errors')}: ${format.number(row.errors)}`}
                  </span>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}

function idOf(row: UsageSums, by: By): string {
  return (by === 'key' ? row.key_id : by === 'account' ? row.account_id : row.model) ?? ''
}

interface NameProps {
  row: UsageSums
  by: By
  range: Range
  none: string
}

/** Leads to what it has used: also what is gone has a usage, but no page. */
function Name({ row, by, range, none }: NameProps) {
  const id = idOf(row, by)
  const name = by === 'key' ? row.key_name : by === 'account' ? row.account : row.model
  if (!id) return <span className={classes.name}>{none}</span>
  return (
    <Link
      to="/usage"
      search={{ range, [by]: id, group: by === 'key' ? 'model' : 'key' }}
      className={classes.name}
    >
      {name}
    </Link>
  )
}
