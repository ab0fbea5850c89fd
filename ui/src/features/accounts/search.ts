import { listSearch, type ListSearch } from '@/components/search'

/** Groups of accounts that can be looked at alone. */
export const SHOWN = ['serving', 'attention', 'off'] as const
export type Shown = (typeof SHOWN)[number]

/** What the address of the list keeps. */
export interface AccountsSearch extends ListSearch {
  show?: Shown
}

export function accountsSearch(search: Record<string, unknown>): AccountsSearch {
  const show = SHOWN.find((known) => known === search['show'])
  return { ...listSearch(search), ...(show ? { show } : {}) }
}
