import { ApiError, fieldOf } from '@/api/errors'
import type { Login } from '@/api/types'
import type { SignInValues, Way } from './ways'

export type Refusal = 'portTaken' | 'startUrlRefused' | 'startUrl' | 'region'

/** The field that a refusal to begin is about, and what to say there; null for the whole form. */
export function placeOfRefusal(
  error: unknown,
  way: Way,
): { field: keyof SignInValues; refusal: Refusal } | { field: string; message: string } | null {
  if (!(error instanceof ApiError)) return null
  if (way === 'organisation') {
    // The service does not say which of the two is wrong: together they are.
    if (error.status === 502 && error.message.includes('start URL')) {
      return { field: 'start_url', refusal: 'startUrlRefused' }
    }
    if (error.message.startsWith('A start URL')) return { field: 'start_url', refusal: 'startUrl' }
    if (error.message.startsWith('A region')) return { field: 'idc_region', refusal: 'region' }
  }
  const atPort = way === 'portal' || way === 'external'
  if (atPort && error.status === 409 && /^Port \d/.test(error.message)) {
    return { field: 'port', refusal: 'portTaken' }
  }
  return fieldOf(error)
}

export type Reason = NonNullable<Login['reason']> | 'cancelled' | 'gone'

/** Why a sign-in came to nothing; null while it goes on, and when it did not. */
export function reasonOf(login: Login): Reason | null {
  switch (login.status) {
    case 'pending':
    case 'completed':
      return null
    case 'cancelled':
      return 'cancelled'
    case 'expired':
    case 'error':
      return login.reason ?? (login.status === 'expired' ? 'expired' : 'internal')
  }
}

/** What the gateway says beyond the reason: names, other programs' words. */
const TOLD_MORE: readonly Reason[] = [
  'refused',
  'unreachable',
  'internal',
  'no_profile',
  'no_token',
]

export function detailOf(login: Login, reason: Reason): string | null {
  return TOLD_MORE.includes(reason) ? (login.error ?? null) : null
}

/** Minutes and seconds, as clocks count down: 9:41. */
export function clockTime(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
