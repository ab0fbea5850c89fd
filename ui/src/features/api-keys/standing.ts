import type { ApiKey, LimitStanding } from '@/api/types'
import type { Tone } from '@/components/status'

const SOON = 7 * 24 * 3_600_000 // milliseconds

export type KeyState = 'active' | 'endsSoon' | 'expired' | 'disabled' | 'noAccount'

/** Whether clients get in with a key; what keeps them out comes first. */
export function stateOf(
  key: Pick<ApiKey, 'enabled' | 'expires_at' | 'kiro_accounts'>,
  now: number,
): KeyState {
  if (!key.enabled) return 'disabled'
  const left = key.expires_at ? Date.parse(key.expires_at) - now : Infinity
  if (left <= 0) return 'expired'
  if (key.kiro_accounts.length === 0) return 'noAccount'
  return left < SOON ? 'endsSoon' : 'active'
}

export const TONES: Record<KeyState, Tone> = {
  active: 'ok',
  endsSoon: 'warn',
  expired: 'bad',
  disabled: 'off',
  noAccount: 'bad',
}

export const LIMITS = [
  'requests_per_minute',
  'max_concurrent_requests',
  'tokens_per_day',
  'credits_per_month',
] as const
export type LimitName = (typeof LIMITS)[number]

export function hasLimits(key: Pick<ApiKey, LimitName>): boolean {
  return LIMITS.some((name) => key[name] !== null)
}

export function isLimitName(name: string): name is LimitName {
  return (LIMITS as readonly string[]).includes(name)
}

export function shareOf({ used, limit }: Pick<LimitStanding, 'used' | 'limit'>): number {
  return limit > 0 ? used / limit : 1
}

/** The limit that will be reached first, as things stand. */
export function tightest(limits: readonly LimitStanding[]): LimitStanding | null {
  return limits.reduce<LimitStanding | null>(
    (worst, one) => (worst === null || shareOf(one) > shareOf(worst) ? one : worst),
    null,
  )
}
