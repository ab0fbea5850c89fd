import type { Range } from '../search'

/** What times are counted by; the gateway has sums for whole hours and days of UTC. */
export const STEPS = ['minute', 'hour', 'day'] as const
export type Step = (typeof STEPS)[number]

const MINUTE = 60_000 // milliseconds
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
export const STEP_LENGTH: Record<Step, number> = { minute: MINUTE, hour: HOUR, day: DAY }

const RANGE_STEPS: Record<Range, Step> = {
  '1h': 'minute',
  '24h': 'hour',
  '7d': 'day',
  '30d': 'day',
  '90d': 'day',
}
const RANGE_LENGTHS: Record<Range, number> = {
  '1h': HOUR,
  '24h': DAY,
  '7d': 7 * DAY,
  '30d': 30 * DAY,
  '90d': 90 * DAY,
}
/** The gateway tells single minutes of at most six hours. */
const MOST_BY_MINUTE = 6 * HOUR
const MOST_BY_HOUR = 3 * DAY

/** The last so many hours or days, or from one time (RFC 3339) to another. */
export interface When {
  range: Range
  from?: string
  to?: string
}

/** In milliseconds since 1970. `to` is null for what goes on, `step` is what to draw it by. */
export interface TimeWindow {
  from: number
  to: number | null
  step: Step
}

/**
 * The window that is meant at a time. A range begins with a whole step, so that its first bar is
 * no shorter than the others. `step` asks for another one than fits best.
 */
export function windowOf({ range, from, to }: When, now: number, step?: Step): TimeWindow {
  if (from) {
    const begin = Date.parse(from)
    const length = (to ? Date.parse(to) : now) - begin
    const fitting = length <= MOST_BY_MINUTE ? 'minute' : length <= MOST_BY_HOUR ? 'hour' : 'day'
    return { from: begin, to: to ? Date.parse(to) : null, step: step ?? fitting }
  }
  const chosen = step ?? RANGE_STEPS[range]
  const length = STEP_LENGTH[chosen]
  const steps = Math.max(1, RANGE_LENGTHS[range] / length)
  return { from: (Math.floor(now / length) - (steps - 1)) * length, to: null, step: chosen }
}

/** When each step of a window begins, up to `last`, in milliseconds. */
export function stepsOf({ from, to, step }: TimeWindow, last: number): number[] {
  const length = STEP_LENGTH[step]
  const end = to === null ? last : Math.min(last, to - 1)
  const times: number[] = []
  for (let time = Math.floor(from / length) * length; time <= end; time += length) times.push(time)
  return times
}
