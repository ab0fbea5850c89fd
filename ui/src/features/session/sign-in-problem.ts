import { ApiError, Unreachable } from '@/api/errors'

/** Why somebody is not let in, as far as it makes a difference to what they do next. */
export type Problem =
  | { kind: 'wrongKey' }
  | { kind: 'linkUsed' }
  | { kind: 'slowDown'; seconds: number }
  | { kind: 'notAllowed'; message: string }
  | { kind: 'away' }
  | { kind: 'failed'; message: string }

const WAIT = 4 // seconds, where the gateway does not say

export function problemOf(error: unknown, byLink: boolean): Problem {
  if (error instanceof Unreachable) return { kind: 'away' }
  if (!(error instanceof ApiError)) return { kind: 'failed', message: String(error) }
  switch (error.status) {
    case 401:
      return { kind: byLink ? 'linkUsed' : 'wrongKey' }
    case 403:
      return { kind: 'notAllowed', message: error.message }
    case 429:
      return { kind: 'slowDown', seconds: Math.ceil(error.retryAfter ?? WAIT) }
    case 502:
    case 503:
    case 504:
      // A proxy in between answers for a gateway that is not there.
      return error.type === 'unknown'
        ? { kind: 'away' }
        : { kind: 'failed', message: error.message }
    default:
      return { kind: 'failed', message: error.message }
  }
}
