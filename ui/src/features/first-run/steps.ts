import type { Account, ApiKey } from '@/api/types'

export const STEPS = ['account', 'sign-in', 'key', 'request', 'client'] as const
export type Step = (typeof STEPS)[number]

/** What there is already. */
export interface Standing {
  account: Account | null
  key: ApiKey | null
  /** Whether any request was ever served. */
  requested: boolean
}

/** The account to go on with: one that works, else one that is signed in, else any. */
export function accountToSetUp(accounts: readonly Account[], preferred: string | null) {
  return (
    accounts.find(({ id }) => id === preferred) ??
    accounts.find(({ auth_method, healthy }) => auth_method && healthy) ??
    accounts.find(({ auth_method }) => auth_method) ??
    accounts[0] ??
    null
  )
}

/** A key that clients can use with the account; the preferred one, if it is such a key. */
export function keyToSetUp(
  keys: readonly ApiKey[],
  account: Account | null,
  preferred: string | null,
  now: number,
): ApiKey | null {
  if (!account) return null
  const usable = keys.filter(
    ({ enabled, kiro_accounts, expires_at }) =>
      enabled &&
      kiro_accounts.includes(account.name) &&
      (expires_at === null || Date.parse(expires_at) > now),
  )
  return usable.find(({ id }) => id === preferred) ?? usable[0] ?? null
}

export function isDone(step: Step, { account, key, requested }: Standing): boolean {
  switch (step) {
    case 'account':
      return account !== null
    case 'sign-in':
      return Boolean(account?.auth_method)
    case 'key':
      return key !== null
    case 'request':
      return key !== null && requested
    case 'client':
      return false
  }
}

/** Where to go on: the first step, of those from `from` on, that is not done. */
export function stepToDo(standing: Standing, from: Step = 'account'): Step {
  const rest = STEPS.slice(STEPS.indexOf(from))
  return rest.find((step) => !isDone(step, standing)) ?? 'client'
}

/** Whether a step can be looked at: all before it are done. */
export function isOpen(step: Step, standing: Standing): boolean {
  return STEPS.slice(0, STEPS.indexOf(step)).every((before) => isDone(before, standing))
}
