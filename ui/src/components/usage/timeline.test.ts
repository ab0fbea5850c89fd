import { describe, expect, test } from 'vitest'
import type { UsageSums } from '@/api/types'
import { firstTokenOf, groupRows, MEASURES, measureOf, sumOf } from './sums'
import { sumsOverTime, timelineOf } from './timeline'
import { windowOf } from './time-window'

const NOW = Date.parse('2026-01-31T12:34:56Z')
const WEEK = windowOf({ range: '7d' }, NOW)
const modelOf = (row: UsageSums) => row.model ?? ''

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
    average_duration_ms: 1000,
    average_first_token_ms: requests > 1 ? 100 * requests : null,
    first_token_requests: requests > 1 ? requests - 1 : 0,
    sources: { measured: requests },
  }
}

const ROWS = [
  row('2026-01-25T00:00:00Z', 'small', 1),
  row('2026-01-31T00:00:00Z', 'small', 2),
  row('2026-01-31T00:00:00Z', 'large', 9),
]

describe('a timeline', () => {
  test('has a place for each day, also for those without requests', () => {
    const { times, series } = timelineOf(ROWS, WEEK, {
      measure: 'total_requests',
      now: NOW,
      lineOf: modelOf,
    })
    expect(times).toHaveLength(7)
    expect(times.at(-1)).toBe(Date.parse('2026-01-31T00:00:00Z') / 1000)
    expect(series).toEqual([
      { label: 'large', values: [0, 0, 0, 0, 0, 0, 9] },
      { label: 'small', values: [1, 0, 0, 0, 0, 0, 2] },
    ])
  })

  test.each(MEASURES.filter((measure) => measure !== 'first_token'))(
    'of %s adds up to the sums of the same rows, however few lines are drawn',
    (measure) => {
      const rows = [
        ...ROWS,
        ...Array.from({ length: 9 }, (_, at) => row('2026-01-30T00:00:00Z', `m${at}`, at)),
      ]
      for (const most of [1, 3, 20]) {
        const { series } = timelineOf(rows, WEEK, { measure, now: NOW, lineOf: modelOf, most })
        expect(series.length).toBe(Math.min(most, 11))
        const drawn = series
          .flatMap(({ values }) => values)
          .reduce((a, b) => (a ?? 0) + (b ?? 0), 0)
        expect(drawn).toBe(measureOf(sumOf(rows), measure))
      }
    },
  )

  test('draws what is too much for a line of its own as others', () => {
    const { series } = timelineOf([...ROWS, row('2026-01-25T00:00:00Z', 'tiny', 0)], WEEK, {
      measure: 'total_requests',
      now: NOW,
      lineOf: modelOf,
      labelOf: (id) => id.toUpperCase(),
      most: 2,
      others: 'the rest',
    })
    expect(series).toEqual([
      { label: 'LARGE', values: [0, 0, 0, 0, 0, 0, 9] },
      { label: 'the rest', values: [1, 0, 0, 0, 0, 0, 2] },
    ])
  })

  test('has no first token where no request had one, and averages over those that had', () => {
    const { series } = timelineOf(ROWS, WEEK, { measure: 'first_token', now: NOW })
    const average = (200 * 1 + 900 * 8) / 9
    expect(series[0]?.values).toEqual([null, null, null, null, null, null, average])
    expect(firstTokenOf(sumOf(ROWS))).toBe(average)
  })

  test('reaches to a row that has come since it was asked for', () => {
    const { times, series } = timelineOf([row('2026-02-01T00:00:00Z', 'new', 5)], WEEK, {
      measure: 'total_requests',
      now: NOW,
    })
    expect(times).toHaveLength(8)
    expect(series[0]?.values.at(-1)).toBe(5)
  })

  test('is empty without rows', () => {
    const empty = timelineOf([], WEEK, { measure: 'credits', now: NOW })
    expect(empty).toEqual({ times: [], series: [] })
  })
})

test('rows are put together over all periods', () => {
  const groups = groupRows(ROWS, modelOf)
  expect(groups.map(({ id, sums }) => [id, sums.total_requests, sums.errors])).toEqual([
    ['small', 3, 2],
    ['large', 9, 1],
  ])
})

test('several charts have the same steps and together all that there was', () => {
  const { times, sums } = sumsOverTime(ROWS, WEEK, NOW)
  expect(times).toHaveLength(7)
  expect(sums.map((one) => one.total_requests)).toEqual([1, 0, 0, 0, 0, 0, 11])
  expect(sums.map(firstTokenOf)).toEqual([null, null, null, null, null, null, 7400 / 9])
  expect(sumsOverTime([], WEEK, NOW)).toEqual({ times: [], sums: [] })
})
