import { describe, expect, test } from 'vitest'
import type { UsageSums } from '@/api/types'
import { startOfRange, sumsByModel, timelineOf } from './usage'

const NOW = Date.parse('2026-01-31T12:34:56Z')

function row(period: string, model: string, requests: number): UsageSums {
  return {
    period,
    model,
    total_requests: requests,
    errors: 1,
    input_tokens: 10 * requests,
    output_tokens: requests,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    total_tokens: 11 * requests,
    credits: requests / 4,
    average_duration_ms: null,
    average_first_token_ms: null,
    sources: {},
  }
}

test.each([
  ['24h', '2026-01-30T13:00:00.000Z', 'hour'],
  ['7d', '2026-01-25T00:00:00.000Z', 'day'],
  ['30d', '2026-01-02T00:00:00.000Z', 'day'],
] as const)('%s begins at %s, by the %s', (range, from, period) => {
  const start = startOfRange(range, NOW)
  expect([start.from.toISOString(), start.period]).toEqual([from, period])
})

describe('a timeline', () => {
  const rows = [
    row('2026-01-25T00:00:00Z', 'small', 1),
    row('2026-01-31T00:00:00Z', 'small', 2),
    row('2026-01-31T00:00:00Z', 'large', 9),
  ]

  test('has a place for each day, also for those without requests', () => {
    const { times, series } = timelineOf(rows, 'total_requests', '7d', NOW)
    expect(times).toHaveLength(7)
    expect(times.at(-1)).toBe(Date.parse('2026-01-31T00:00:00Z') / 1000)
    expect(series).toEqual([
      { label: 'large', values: [0, 0, 0, 0, 0, 0, 9] },
      { label: 'small', values: [1, 0, 0, 0, 0, 0, 2] },
    ])
  })

  test('adds up to what the table says', () => {
    const { series } = timelineOf(rows, 'credits', '7d', NOW)
    const sums = sumsByModel(rows)
    for (const { label, values } of series) {
      const total = values.reduce((sum, value) => sum + value, 0)
      expect(total).toBe(sums.find(({ model }) => model === label)?.credits)
    }
  })

  test('leaves out what is older than the range', () => {
    const { series } = timelineOf([row('2025-12-01T00:00:00Z', 'old', 5)], 'credits', '7d', NOW)
    expect(series).toEqual([])
  })

  test('is empty without rows', () => {
    expect(timelineOf([], 'credits', '24h', NOW)).toEqual({ times: [], series: [] })
  })
})

test('models are summed over all periods, the most used first', () => {
  const rows = [
    row('2026-01-30T00:00:00Z', 'a', 1),
    row('2026-01-30T00:00:00Z', 'b', 5),
    row('2026-01-31T00:00:00Z', 'a', 2),
  ]
  expect(sumsByModel(rows).map((sum) => [sum.model, sum.total_requests, sum.errors])).toEqual([
    ['b', 5, 1],
    ['a', 3, 2],
  ])
})
