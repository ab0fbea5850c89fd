import type { TablerIcon } from '@tabler/icons-react'

export interface Command {
  id: string
  label: string
  icon: TablerIcon
  run: () => unknown
}

export interface CommandGroup {
  label: string
  commands: Command[]
}

/** Those whose label has every word of the query in it, in whatever order. */
export function matching<C extends { label: string }>(query: string, commands: readonly C[]): C[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return commands.filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)))
}

/** Where a key leads in a list; round and round. Null for keys that lead nowhere. */
export function moved(place: number, count: number, key: string): number | null {
  if (count === 0) return null
  switch (key) {
    case 'ArrowDown':
      return (place + 1) % count
    case 'ArrowUp':
      return (place - 1 + count) % count
    case 'PageDown':
      return count - 1
    case 'PageUp':
      return 0
    default:
      return null
  }
}
