import type { UsageSums } from '@/api/types'
import {
  durationOf,
  errorRateOf,
  firstTokenOf,
  type Group,
  type Sums,
} from '@/components/usage/sums'
import { STEP_LENGTH, type TimeWindow } from '@/components/usage/time-window'
import { isStep, wordsOf, type Grouping, type UsageSearch } from './usage-search'

/** What tells a row from others in one dimension; ids, where there are some. */
export function valueOf(row: UsageSums, one: Grouping): string {
  if (one === 'key') return row.key_id ?? ''
  if (one === 'account') return row.account_id ?? ''
  if (one === 'model') return row.model ?? ''
  if (one === 'source') return row.source ?? ''
  return row.period ?? ''
}

export function groupIdOf(row: UsageSums, grouping: readonly Grouping[]): string {
  return grouping.map((one) => valueOf(row, one)).join('\n')
}

/** What a column sorts by; columns of dimensions sort by what they show. */
export function sortValue(
  { row, sums }: Group,
  column: string,
  nameOf: (row: UsageSums, one: Grouping) => string,
): string | number | null {
  switch (column) {
    case 'first_token':
      return firstTokenOf(sums)
    case 'duration':
      return durationOf(sums)
    case 'errors':
      return sums.errors
    case 'error_rate':
      return errorRateOf(sums)
    case 'sources':
      return measuredShare(sums)
    case 'key':
    case 'account':
    case 'model':
    case 'source':
      return nameOf(row, column)
    case 'minute':
    case 'hour':
    case 'day':
      return Date.parse(row.period ?? '')
  }
  return column in sums ? (sums[column as keyof Sums] as number) : null
}

/** Of the requests that used tokens, the share whose tokens the service has counted. */
function measuredShare({ sources }: Sums): number | null {
  const all = sources.measured + sources.derived + sources.estimated
  return all ? sources.measured / all : null
}

/**
 * Where a press on a row's name leads: to this row alone, told apart by what it was not before.
 * Null where the gateway cannot choose by it.
 */
export function within(search: UsageSearch, row: UsageSums, one: Grouping): UsageSearch | null {
  const value = valueOf(row, one)
  if (!value || one === 'source' || value.includes(',')) return null
  const rest: UsageSearch = { ...search, sort: undefined }
  const others = wordsOf(search.group ?? 'key').filter((word) => word !== one)
  if (isStep(one)) {
    if (one === 'minute') return null
    const from = Date.parse(value)
    return {
      ...rest,
      range: undefined,
      from: new Date(from).toISOString(),
      to: new Date(from + STEP_LENGTH[one]).toISOString(),
      group: others.join(',') || 'key',
    }
  }
  const next = { key: 'model', account: 'key', model: 'key' }[one]
  return { ...rest, [one]: value, group: others.join(',') || next }
}

export interface RequestsSearch {
  key?: string
  account?: string
  model?: string
  from: string
  to?: string
}

/** How the log of requests is asked for those of a row: it takes one of each, not several. */
export function requestsOf(
  search: UsageSearch,
  row: UsageSums,
  grouping: readonly Grouping[],
  window: TimeWindow,
): RequestsSearch {
  const found: Omit<RequestsSearch, 'from' | 'to'> = {}
  for (const one of ['key', 'account', 'model'] as const) {
    const chosen = wordsOf(search[one])
    const value = grouping.includes(one) ? valueOf(row, one) : chosen.length === 1 && chosen[0]
    if (value) found[one] = value
  }
  const step = grouping.find(isStep)
  const begin = step ? Date.parse(row.period ?? '') : window.from
  const end = step ? begin + STEP_LENGTH[step] : window.to
  return {
    ...found,
    from: new Date(Math.max(begin, window.from)).toISOString(),
    ...(end === null ? {} : { to: new Date(end).toISOString() }),
  }
}
