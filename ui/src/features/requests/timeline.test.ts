import { describe, expect, test } from 'vitest'
import type { Attempt } from '@/api/types'
import { placeOf, speedOf, timelineOf } from './timeline'

const attempt = (part: Partial<Attempt>): Attempt => ({
  account: 'work',
  outcome: 'answered',
  started_ms: 0,
  duration_ms: 100,
  waited_ms: 0,
  status: 200,
  first_event_ms: null,
  upstream_request_id: 'u',
  message: null,
  ...part,
})
const request = {
  attempts: [attempt({})],
  queued_ms: 0,
  first_token_ms: 100,
  duration_ms: 1000,
  stream: true,
  failed: false,
}
const shapeOf = (part: Partial<typeof request>) =>
  timelineOf({ ...request, ...part }).map((step) => [step.kind, step.from, step.to])

describe('a timeline', () => {
  test('of a plain answer is the question and the answer', () => {
    expect(shapeOf({})).toEqual([
      ['asked', 0, 100],
      ['answer', 100, 1000],
    ])
  })

  test('shows waits before attempts, and accounts that were passed over', () => {
    const attempts = [
      attempt({ outcome: 'AccountBusy', duration_ms: 0, status: null, upstream_request_id: null }),
      attempt({ outcome: 'RateLimited', status: 429, duration_ms: 50 }),
      attempt({ started_ms: 250, waited_ms: 200 }),
    ]
    expect(shapeOf({ attempts, first_token_ms: 350 })).toEqual([
      ['passed', 0, 0],
      ['failed', 0, 50],
      ['pause', 50, 250],
      ['asked', 250, 350],
      ['answer', 350, 1000],
    ])
  })

  test('begins with the queue, by which everything is later', () => {
    expect(shapeOf({ queued_ms: 300 })).toEqual([
      ['queue', 0, 300],
      ['asked', 300, 400],
      ['answer', 400, 1000],
    ])
  })

  test('has no answer where none began, and nothing where Kiro was not asked', () => {
    const attempts = [attempt({ outcome: 'UpstreamInternal', status: 500 })]
    expect(shapeOf({ attempts, first_token_ms: null as never, failed: true })).toEqual([
      ['failed', 0, 100],
    ])
    expect(shapeOf({ attempts: [], first_token_ms: null as never })).toEqual([])
  })
})

test.each([
  [0, 50, { left: 0, width: 5 }],
  [500, 1000, { left: 50, width: 50 }],
  [1000, 1000, { left: 99.2, width: 0.8 }],
])('from %d to %d of 1000 is drawn within the whole', (from, to, place) => {
  const drawn = placeOf({ kind: 'queue', from, to }, 1000)
  expect(drawn.left).toBeCloseTo(place.left)
  expect(drawn.width).toBeCloseTo(place.width)
  expect(drawn.left + drawn.width).toBeLessThanOrEqual(100)
})

test('speed counts from the first token, and says nothing about a blink', () => {
  const timed = { output_tokens: 90, first_token_ms: 100, duration_ms: 1000, queued_ms: 0 }
  expect(speedOf(timed)).toBeCloseTo(100)
  expect(speedOf({ ...timed, first_token_ms: null })).toBeNull()
  expect(speedOf({ ...timed, duration_ms: 110 })).toBeNull()
})
