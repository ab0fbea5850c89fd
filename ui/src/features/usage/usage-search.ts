import { rangeSearch, sortSearch, textOf, type Range } from '@/components/search'
import { MEASURES, type Measure } from '@/components/usage/sums'
import { STEPS, type Step, type When } from '@/components/usage/time-window'
import { DIMENSIONS, type Dimension } from '@/components/usage/usage-query'

/** What the usage page keeps in its address; lists are separated by commas. */
export interface UsageSearch {
  range?: Range
  /** RFC 3339; with it the range does not count. */
  from?: string
  to?: string
  group?: string
  key?: string
  account?: string
  model?: string
  measure?: Measure
  sort?: string
}

export const DEFAULT_RANGE: Range = '7d'
export const GROUPS = [...DIMENSIONS, 'hour', 'day'] as const
export type Grouping = Dimension | Step

export function usageSearch(search: Record<string, unknown>): UsageSearch {
  const from = timeOf(search['from'])
  const to = from && timeOf(search['to'])
  const group = groupingOf(textOf(search['group'])).join(',')
  const measure = MEASURES.find((known) => known === search['measure'])
  const chosen = (['key', 'account', 'model'] as const).flatMap((name) => {
    const words = wordsOf(textOf(search[name]))
    return words.length ? [[name, words.join(',')] as const] : []
  })
  return {
    ...(from ? { from } : rangeSearch(search)),
    ...(to && Date.parse(to) > Date.parse(from) ? { to } : {}),
    ...(group && group !== 'key' ? { group } : {}),
    ...Object.fromEntries(chosen),
    ...(measure && measure !== 'total_requests' ? { measure } : {}),
    ...sortSearch(search),
  }
}

/** What rows are told apart by, in this order; at most one of them is a period. */
export function groupingOf(group: string | undefined): Grouping[] {
  const found: Grouping[] = []
  for (const word of wordsOf(group)) {
    const known = [...DIMENSIONS, ...STEPS].find((one) => one === word)
    if (!known || found.includes(known)) continue
    if (isStep(known) && found.some(isStep)) continue
    found.push(known)
  }
  return found.length ? found : ['key']
}

export function isStep(one: Grouping): one is Step {
  return (STEPS as readonly string[]).includes(one)
}

export function whenOf({ range = DEFAULT_RANGE, from, to }: UsageSearch): When {
  return { range, ...(from ? { from } : {}), ...(to ? { to } : {}) }
}

export function wordsOf(list: string | undefined): string[] {
  return [...new Set((list ?? '').split(',').map((word) => word.trim()))].filter(Boolean)
}

function timeOf(value: unknown): string {
  const text = textOf(value)
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(time) ? '' : new Date(time).toISOString()
}
