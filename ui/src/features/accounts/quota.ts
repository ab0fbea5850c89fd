import type { Account, Quota } from '@/api/types'

/** Share of the quota that is used, 0 to 1; null where the service tells no amounts. */
export function shareUsed(quota: Quota | undefined): number | null {
  if (!quota?.known) return null
  return quota.total.limit > 0 ? quota.total.used / quota.total.limit : 1
}

/** When the quota begins anew, as RFC 3339; null when the service does not say. */
export function resetOf(quota: Quota | undefined): string | null {
  const seconds = quota?.next_date_reset
  return seconds ? new Date(seconds * 1000).toISOString() : null
}

export interface QuotaSum {
  used: number
  limit: number
  remaining: number
  /** Accounts that are in the sum. */
  accounts: number
}

/** What all accounts that serve, or could, have together; null where nothing is known. */
export function quotaOfAll(
  accounts: readonly Pick<Account, 'enabled' | 'usage_limits'>[],
): QuotaSum | null {
  const known = accounts
    .filter(({ enabled, usage_limits }) => enabled && usage_limits?.known)
    .map(({ usage_limits }) => usage_limits?.total)
    .filter((total) => total !== undefined)
  if (known.length === 0) return null
  const sum = (member: 'used' | 'limit' | 'remaining') =>
    known.reduce((total, amount) => total + amount[member], 0)
  return {
    used: sum('used'),
    limit: sum('limit'),
    remaining: sum('remaining'),
    accounts: known.length,
  }
}

export interface Part {
  kind: 'base' | 'trial' | 'bonus'
  used: number
  limit: number
  /** When a trial ends. */
  until: string | null
}

/** What a quota is made of: the plan, and what trial and bonuses add at present. */
export function partsOf(quota: Quota): Part[] {
  const parts: Part[] = [
    { kind: 'base', used: quota.base.used, limit: quota.base.limit, until: null },
  ]
  if (quota.trial.limit > 0) {
    const { used, limit, expires_at } = quota.trial
    parts.push({ kind: 'trial', used, limit, until: expires_at })
  }
  if (quota.bonus.limit > 0) {
    const { used, limit } = quota.bonus
    parts.push({ kind: 'bonus', used, limit, until: null })
  }
  return parts
}
