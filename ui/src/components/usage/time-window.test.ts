import { expect, test } from 'vitest'
import { stepsOf, windowOf, type Step, type When } from './time-window'

const NOW = Date.parse('2026-01-31T12:34:56Z')
const iso = (time: number | null) => time && new Date(time).toISOString()

test.each([
  ['1h', '2026-01-31T11:35:00.000Z', 'minute', 60],
  ['24h', '2026-01-30T13:00:00.000Z', 'hour', 24],
  ['7d', '2026-01-25T00:00:00.000Z', 'day', 7],
  ['30d', '2026-01-02T00:00:00.000Z', 'day', 30],
  ['90d', '2025-11-03T00:00:00.000Z', 'day', 90],
] as const)('%s begins at %s and has a %s for each step', (range, from, step, steps) => {
  const window = windowOf({ range }, NOW)
  expect([iso(window.from), window.to, window.step]).toEqual([from, null, step])
  expect(stepsOf(window, NOW)).toHaveLength(steps)
})

test.each<[When, Step | undefined, string, Step]>([
  [{ range: '7d' }, 'hour', '2026-01-24T13:00:00.000Z', 'hour'],
  [{ range: '1h' }, 'day', '2026-01-31T00:00:00.000Z', 'day'],
  [
    { range: '7d', from: '2026-01-01T10:30:00Z', to: '2026-01-01T16:30:00Z' },
    undefined,
    '2026-01-01T10:30:00.000Z',
    'minute',
  ],
  [
    { range: '7d', from: '2026-01-01T10:30:00Z', to: '2026-01-01T16:31:00Z' },
    undefined,
    '2026-01-01T10:30:00.000Z',
    'hour',
  ],
  [{ range: '7d', from: '2026-01-01T10:30:00Z' }, undefined, '2026-01-01T10:30:00.000Z', 'day'],
])('%o by the %s begins at %s and is drawn by the %s', (when, asked, from, step) => {
  const window = windowOf(when, NOW, asked)
  expect([iso(window.from), window.step]).toEqual([from, step])
})

test('steps of a window that ends cover it, and nothing after it', () => {
  const when: When = { range: '7d', from: '2026-01-01T10:30:00Z', to: '2026-01-01T13:00:00Z' }
  expect(stepsOf(windowOf(when, NOW, 'hour'), NOW).map(iso)).toEqual([
    '2026-01-01T10:00:00.000Z',
    '2026-01-01T11:00:00.000Z',
    '2026-01-01T12:00:00.000Z',
  ])
})
