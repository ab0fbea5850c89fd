import type { UsageSums } from '@/api/types'

/** What is added up as it stands. */
const ADDED = [
  'total_requests',
  'errors',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'total_tokens',
  'credits',
  'first_token_requests',
] as const

/** How the tokens of a request are known; `none` when it used nothing. */
export const SOURCES = ['measured', 'derived', 'estimated', 'none'] as const
export type Source = (typeof SOURCES)[number]

/** What some requests come to; times are sums, in milliseconds. */
export interface Sums extends Record<(typeof ADDED)[number], number> {
  duration_ms: number
  first_token_ms: number
  sources: Record<Source, number>
}

export function noSums(): Sums {
  return {
    total_requests: 0,
    errors: 0,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    total_tokens: 0,
    credits: 0,
    first_token_requests: 0,
    duration_ms: 0,
    first_token_ms: 0,
    sources: { measured: 0, derived: 0, estimated: 0, none: 0 },
  }
}

export function addRow(sums: Sums, row: UsageSums): void {
  for (const member of ADDED) sums[member] += row[member]
  sums.duration_ms += (row.average_duration_ms ?? 0) * row.total_requests
  sums.first_token_ms += (row.average_first_token_ms ?? 0) * row.first_token_requests
  for (const source of SOURCES) sums.sources[source] += row.sources[source] ?? 0
}

export function sumOf(rows: readonly UsageSums[]): Sums {
  const sums = noSums()
  for (const row of rows) addRow(sums, row)
  return sums
}

export interface Group {
  id: string
  /** One of its rows, for what they have in common. */
  row: UsageSums
  sums: Sums
}

/** Rows put together by what `idOf` says, in the order in which they come. */
export function groupRows(rows: readonly UsageSums[], idOf: (row: UsageSums) => string): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const id = idOf(row)
    const group = groups.get(id) ?? { id, row, sums: noSums() }
    addRow(group.sums, row)
    groups.set(id, group)
  }
  return [...groups.values()]
}

/** Milliseconds from a request to the first of its answer, on average; null where none came. */
export function firstTokenOf(sums: Sums): number | null {
  return sums.first_token_requests ? sums.first_token_ms / sums.first_token_requests : null
}

export function durationOf(sums: Sums): number | null {
  return sums.total_requests ? sums.duration_ms / sums.total_requests : null
}

/** The share of requests that failed, 0 to 1. */
export function errorRateOf(sums: Pick<Sums, 'errors' | 'total_requests'>): number {
  return sums.total_requests ? sums.errors / sums.total_requests : 0
}

/** What a chart can show of sums. */
export const MEASURES = [
  'total_requests',
  'errors',
  'total_tokens',
  'credits',
  'first_token',
] as const
export type Measure = (typeof MEASURES)[number]

/** Null where there is nothing to have an average of. */
export function measureOf(sums: Sums, measure: Measure): number | null {
  return measure === 'first_token' ? firstTokenOf(sums) : sums[measure]
}
