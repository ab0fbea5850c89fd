import type { Dialect } from '@/components/reply/reply'

/** Whom and what to ask, as links to here say it. */
export interface PlaygroundSearch {
  /** An id. */
  key?: string
  /** A name. */
  account?: string
  model?: string
  dialect?: Dialect
}

export function playgroundSearch(search: Record<string, unknown>): PlaygroundSearch {
  const found: PlaygroundSearch = {}
  for (const name of ['key', 'account', 'model'] as const) {
    const value = search[name]
    if ((typeof value === 'string' && value) || typeof value === 'number') {
      found[name] = String(value)
    }
  }
  const { dialect } = search
  if (dialect === 'openai' || dialect === 'anthropic') found.dialect = dialect
  return found
}
