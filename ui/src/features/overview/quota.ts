import type { Account } from '@/api/types'

export interface QuotaSum {
  used: number
  limit: number
  remaining: number
  /** Accounts that are in the sum. */
  accounts: number
}

/** What all accounts that serve, or could, have left together; null where nothing is known. */
export function quotaOfAll(
  accounts: readonly Pick<Account, 'enabled' | 'usage_limits'>[],
): QuotaSum | null {
  const sum: QuotaSum = { used: 0, limit: 0, remaining: 0, accounts: 0 }
  for (const { enabled, usage_limits: quota } of accounts) {
    if (!enabled || !quota?.known) continue
    sum.used += quota.total.used
    sum.limit += quota.total.limit
    sum.remaining += quota.total.remaining
    sum.accounts += 1
  }
  return sum.accounts ? sum : null
}

/** When a quota begins anew, as RFC 3339; null when the service does not say. */
export function resetOf(quota: Account['usage_limits']): string | null {
  return quota?.next_date_reset ? new Date(quota.next_date_reset * 1000).toISOString() : null
}

/** In a list the worst comes first, and what is off last. */
const ORDER: readonly Account['health']['state'][] = [
  'suspended',
  'sign_in_required',
  'misconfigured',
  'forbidden',
  'failing',
  'not_signed_in',
  'quota_exhausted',
  'cooling_down',
  'active',
  'disabled',
]

/** Those in trouble first, then those with the least left. */
export function worstFirst<One extends Pick<Account, 'name' | 'health' | 'usage_limits'>>(
  accounts: readonly One[],
): One[] {
  const used = ({ usage_limits: quota }: One) => (quota?.known ? quota.total.percent_used : -1)
  return [...accounts].sort(
    (a, b) =>
      ORDER.indexOf(a.health.state) - ORDER.indexOf(b.health.state) ||
      used(b) - used(a) ||
      a.name.localeCompare(b.name),
  )
}
