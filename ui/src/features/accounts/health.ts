import type { Account, Health } from '@/api/types'
import type { Tone } from '@/components/status'

export type State = Health['state']

export const TONES: Record<State, Tone> = {
  active: 'ok',
  cooling_down: 'warn',
  quota_exhausted: 'warn',
  failing: 'bad',
  forbidden: 'bad',
  misconfigured: 'bad',
  sign_in_required: 'bad',
  suspended: 'bad',
  not_signed_in: 'warn',
  disabled: 'off',
}

/** What is said by a state alone, in words of our own; the rest says what happened, in the gateway's. */
const TOLD_BY_THE_GATEWAY: readonly State[] = [
  'failing',
  'forbidden',
  'misconfigured',
  'sign_in_required',
]

/** What the service or the gateway said about it, where that is more than the state itself says. */
export function wordsOf({ state, reason }: Pick<Health, 'state' | 'reason'>): string | null {
  return TOLD_BY_THE_GATEWAY.includes(state) ? reason : null
}

/** The states in which somebody has to do something. */
const NEEDS_SOMEBODY: readonly State[] = [
  'suspended',
  'sign_in_required',
  'misconfigured',
  'forbidden',
  'failing',
  'not_signed_in',
]

export function needsAttention({ state }: Pick<Health, 'state'>): boolean {
  return NEEDS_SOMEBODY.includes(state)
}

/** In a sort the worst comes first; what is off matters least. */
const ORDER: readonly State[] = [
  ...NEEDS_SOMEBODY,
  'quota_exhausted',
  'cooling_down',
  'active',
  'disabled',
]

export function rankOf({ state }: Pick<Health, 'state'>): number {
  return ORDER.indexOf(state)
}

export type Remedy = 'enable' | 'renew' | 'profile' | 'test' | 'signIn'

/** What can be done on this page about a state, the most helpful first. */
export function remediesOf(state: State): Remedy[] {
  switch (state) {
    case 'suspended':
    case 'disabled':
      return ['enable']
    case 'sign_in_required':
      return ['renew', 'signIn']
    case 'not_signed_in':
      return ['signIn']
    case 'misconfigured':
      return ['profile', 'test']
    case 'failing':
      return ['test', 'renew']
    case 'forbidden':
      return ['test']
    case 'quota_exhausted':
    case 'cooling_down':
    case 'active':
      return []
  }
}

/**
 * Whether the service can be asked about an account: nobody asks for one that is off, or that
 * nobody has signed in. One that is suspended is shown as off, but may be asked.
 */
export function canBeAsked(account: Pick<Account, 'health' | 'token_info'>): boolean {
  return account.health.state !== 'disabled' && account.token_info.has_token
}

/** The models that an account does not serve just now. */
export function coolingModels({ cooldowns }: Pick<Health, 'cooldowns'>): string[] {
  return [...new Set(cooldowns.map(({ model }) => model).filter((model) => model !== null))].sort()
}

/** States in stored history may be of a later version than these pages. */
export function isState(state: string): state is State {
  return state in TONES
}
