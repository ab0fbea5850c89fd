/** What pages keep in the address. What makes no sense there is left out, never an error. */
export interface ListSearch {
  q?: string
  sort?: string
}

export function listSearch(search: Record<string, unknown>): ListSearch {
  const { q, sort } = search
  return {
    ...(isText(q) ? { q: String(q) } : {}),
    ...(typeof sort === 'string' && /^-?[a-z_]+$/.test(sort) ? { sort } : {}),
  }
}

/** How far back to look. */
export const RANGES = ['24h', '7d', '30d', '90d'] as const
export type Range = (typeof RANGES)[number]

export function rangeSearch(search: Record<string, unknown>): { range?: Range } {
  const range = RANGES.find((known) => known === search['range'])
  return range ? { range } : {}
}

// The router reads ?q=42 as a number.
function isText(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}
