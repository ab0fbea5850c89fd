export const TABS = ['general', 'notifications', 'configuration'] as const
export type Tab = (typeof TABS)[number]

export interface SettingsSearch {
  tab?: Tab
  /** What settings are searched for. */
  q?: string
  /** Only those that are not the default. */
  changed?: true
}

export function settingsSearch(search: Record<string, unknown>): SettingsSearch {
  const tab = TABS.find((known) => known === search['tab'])
  const { q, changed } = search
  return {
    ...(tab ? { tab } : {}),
    ...((typeof q === 'string' && q) || typeof q === 'number' ? { q: String(q) } : {}),
    ...(changed === true ? { changed } : {}),
  }
}
