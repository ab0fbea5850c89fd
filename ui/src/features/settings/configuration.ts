import type { Setting } from '@/api/types'

/** Settings of a section of the file, in its order. */
export interface SettingGroup {
  section: string
  settings: Setting[]
}

/** Those that have every word somewhere in name, meaning, value or source; by section. */
export function groupsOf(
  settings: readonly Setting[],
  query: string,
  onlyChanged: boolean,
): SettingGroup[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, Setting[]>()
  for (const setting of settings) {
    if (onlyChanged && setting.source === 'default') continue
    const { name, description, source } = setting
    const text = `${name} ${description} ${source} ${JSON.stringify(setting.value)}`.toLowerCase()
    if (!words.every((word) => text.includes(word))) continue
    const section = name.split('.')[0] ?? ''
    groups.set(section, [...(groups.get(section) ?? []), setting])
  }
  return [...groups].map(([section, found]) => ({ section, settings: found }))
}

/** A value as people read it; null where there is none or it is empty. */
export function valueText(value: unknown): string | null {
  if (value === null || value === '') return null
  if (Array.isArray(value)) {
    return value.length === 0 ? null : value.map((one) => valueText(one) ?? '""').join(', ')
  }
  if (typeof value === 'object') {
    const pairs = Object.entries(value)
    return pairs.length === 0
      ? null
      : pairs.map(([name, one]) => `${name}: ${valueText(one) ?? '""'}`).join(', ')
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}
