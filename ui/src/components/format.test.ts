import { expect, test } from 'vitest'
import { makeFormat } from './format'

const en = makeFormat('en')
const zh = makeFormat('zh')
const NOW = Date.parse('2026-01-31T12:00:00Z')

test.each([
  [0, '0'],
  [0.04213, '0.042'],
  [0.5, '0.5'],
  [12.3456, '12.35'],
  [1234.5, '1,234.5'],
])('%d credits are written %s', (value, expected) => {
  expect(en.credits(value)).toBe(expected)
})

test.each([
  [840, '840 ms'],
  [1340, '1.3 sec'],
  [125_000, '2 min 5 sec'],
  [3_599_999, '1 hr 0 min'],
  [12_000_000, '3 hr 20 min'],
  [90_000_000, '1 day 1 hr'],
])('%d milliseconds are written %s', (value, expected) => {
  expect(en.duration(value).replaceAll(/(sec|min|hr)s/g, '$1')).toBe(expected)
})

test.each([
  ['2026-01-31T11:59:40Z', 'now', '现在'],
  ['2026-01-31T11:57:00Z', '3 minutes ago', '3分钟前'],
  ['2026-01-31T13:30:00Z', 'in 1 hour', '1小时后'],
  ['2026-01-29T11:00:00Z', '2 days ago', '前天'],
  ['2026-02-14T12:00:00Z', 'in 14 days', '14天后'],
  ['2024-12-31T12:00:00Z', 'last year', '去年'],
])('%s is said as %s and %s', (time, english, chinese) => {
  expect(en.relative(time, NOW)).toBe(english)
  expect(zh.relative(time, NOW)).toBe(chinese)
})

test('large numbers are shortened in the way of the language', () => {
  expect(en.compact(1_234_567)).toBe('1.2M')
  expect(zh.compact(1_234_567)).toBe('123.5万')
})
