import type { Account, UsageSums } from '@/api/types'
import { sortRows } from '@/components/data-table/columns'
import { needsAttention, rankOf } from './health'
import { resetOf, shareUsed } from './quota'
import type { Shown } from './search'

/** An account as a row of the table. */
export interface AccountRow {
  account: Account
  /** Requests of the last 24 hours; null while they are not known. */
  requests: number | null
  errors: number
}

export type Recent = ReadonlyMap<string, Pick<UsageSums, 'total_requests' | 'errors'>>

export function rowsOf(accounts: readonly Account[], recent: Recent | undefined): AccountRow[] {
  return accounts.map((account) => {
    const sums = recent?.get(account.id)
    return {
      account,
      requests: recent ? (sums?.total_requests ?? 0) : null,
      errors: sums?.errors ?? 0,
    }
  })
}

export function groupOf({ health }: Pick<Account, 'health'>): Shown | null {
  if (health.state === 'disabled') return 'off'
  if (needsAttention(health)) return 'attention'
  return health.healthy ? 'serving' : null
}

/** Those of a group whose name, address, plan or region has every word that is looked for. */
export function chosenRows(
  rows: readonly AccountRow[],
  search: string,
  shown: Shown | undefined,
): AccountRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter(({ account }) => {
    if (shown && groupOf(account) !== shown) return false
    const text = [
      account.name,
      account.id,
      account.email,
      account.subscription,
      account.auth_method,
      account.region,
      account.api_region,
    ]
      .join('\n')
      .toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

export function sortedRows(rows: readonly AccountRow[], sort: string | undefined): AccountRow[] {
  return sortRows(rows, sort, valueOf)
}

function valueOf({ account, requests }: AccountRow, column: string) {
  switch (column) {
    case 'name':
      return account.name
    case 'status':
      return rankOf(account.health)
    case 'method':
      return account.auth_method
    case 'plan':
      return account.subscription
    case 'quota':
      return shareUsed(account.usage_limits)
    case 'reset':
      return resetOf(account.usage_limits)
    case 'requests':
      return requests
    case 'since':
      return account.health.since
    case 'checked':
      return account.health.next_check_at
    case 'email':
      return account.email
    case 'region':
      return account.region
    case 'created':
      return account.created_at
    default:
      return null
  }
}
