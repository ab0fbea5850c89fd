/** What the gateway answered instead of what was asked for. */
export class ApiError extends Error {
  override name = 'ApiError'

  constructor(
    message: string,
    readonly status: number,
    readonly type: string,
    /** Seconds to wait before asking again, where the gateway says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message)
  }
}

/** Nobody answered: the gateway is down, restarting, or the network is. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}

interface ErrorBody {
  error: { message: string; type: string }
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false
  const { error } = body
  return typeof error === 'object' && error !== null && 'message' in error && 'type' in error
}

/** The error behind an answer above 399. Proxies in between answer with pages of their own. */
export function errorOf(body: unknown, response: Response): ApiError {
  const seconds = Number(response.headers.get('retry-after') ?? NaN)
  const retryAfter = Number.isFinite(seconds) ? seconds : null
  if (isErrorBody(body)) {
    return new ApiError(body.error.message, response.status, body.error.type, retryAfter)
  }
  const message = `${response.status} ${response.statusText}`.trim()
  return new ApiError(message, response.status, 'unknown', retryAfter)
}

const NAMED = /^([a-z_]+)(?:[.[]\S*?)?(?:: (.+)| ((?:is|has) .+))$/s

/**
 * The member that a refusal is about, and what is said of it.
 *
 * The admin API names it first: "tokens_per_day: expected `int` >= 1", "name is required".
 */
export function fieldOf(error: unknown): { field: string; message: string } | null {
  if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 409)) return null
  const match = NAMED.exec(error.message)
  if (!match?.[1]) return null
  const said = match[2] ?? match[3] ?? ''
  return { field: match[1], message: said.charAt(0).toUpperCase() + said.slice(1) }
}
