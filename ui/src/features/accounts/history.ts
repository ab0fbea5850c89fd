import type { HealthChange } from '@/api/types'

export interface Spell extends Pick<HealthChange, 'at' | 'state' | 'reason'> {
  /** Milliseconds; null for the one that holds still. */
  lasted: number | null
}

/** Changes, the latest first, as the spells that they began: each lasts until the one after it. */
export function spellsOf(changes: readonly HealthChange[]): Spell[] {
  return changes.map(({ at, state, reason }, place) => {
    const next = changes[place - 1]
    return { at, state, reason, lasted: next ? Date.parse(next.at) - Date.parse(at) : null }
  })
}
