/** What pages keep in the address. What makes no sense there is left out, never an error. */
export interface ListSearch {
  q?: string
  sort?: string
}

export function listSearch(search: Record<string, unknown>): ListSearch {
  const q = textOf(search['q'])
  return { ...(q ? { q } : {}), ...sortSearch(search) }
}

export function sortSearch({ sort }: Record<string, unknown>): { sort?: string } {
  return typeof sort === 'string' && /^-?[a-z_]+$/.test(sort) ? { sort } : {}
}

/** How far back to look. */
export const RANGES = ['1h', '24h', '7d', '30d', '90d'] as const
export type Range = (typeof RANGES)[number]

export function rangeSearch(search: Record<string, unknown>): { range?: Range } {
  const range = RANGES.find((known) => known === search['range'])
  return range ? { range } : {}
}

/** What stands behind a name in the address, as text: the router reads ?q=42 as a number. */
export function textOf(value: unknown): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : ''
}
