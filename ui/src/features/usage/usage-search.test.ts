import { expect, test } from 'vitest'
import type { UsageSums } from '@/api/types'
import { requestsOf, within } from './usage-rows'
import { groupingOf, usageSearch } from './usage-search'

test.each([
  [{}, {}],
  [
    { range: '30d', group: 'model,day' },
    { range: '30d', group: 'model,day' },
  ],
  // What is so anyway need not be said.
  [{ group: 'key', measure: 'total_requests' }, {}],
  [{ range: 'for ever', group: 'colour,,model,model', measure: 'mood' }, { group: 'model' }],
  [{ group: 'day,hour,key' }, { group: 'day,key' }],
  [
    { key: 42, model: ' a, ,b,a' },
    { key: '42', model: 'a,b' },
  ],
  // A time of one's own takes the place of a range.
  [
    { range: '7d', from: '2026-01-01T10:00:00+02:00', to: '2026-01-02T00:00:00Z' },
    { from: '2026-01-01T08:00:00.000Z', to: '2026-01-02T00:00:00.000Z' },
  ],
  [
    { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    { from: '2026-01-02T00:00:00.000Z' },
  ],
  [{ from: 'yesterday', to: '2026-01-02T00:00:00Z' }, {}],
  [{ sort: '-credits' }, { sort: '-credits' }],
  [{ sort: 'credits; drop' }, {}],
])('the address %o means %o', (search, expected) => {
  expect(usageSearch(search)).toEqual(expected)
})

test('without a choice rows are told apart by key', () => {
  expect(groupingOf(undefined)).toEqual(['key'])
  expect(groupingOf('nonsense')).toEqual(['key'])
})

const ROW = {
  key_id: 'k1',
  account_id: null,
  model: 'sonnet',
  source: 'measured',
  period: '2026-01-31T00:00:00Z',
} as UsageSums

test.each([
  [{ group: 'model', sort: 'model' }, 'model', { model: 'sonnet', group: 'key' }],
  [{ range: '30d' as const }, 'key', { range: '30d', key: 'k1', group: 'model' }],
  [{ group: 'key,day' }, 'key', { key: 'k1', group: 'day' }],
  [
    { range: '30d' as const, group: 'day' },
    'day',
    { from: '2026-01-31T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z', group: 'key' },
  ],
] as const)('from %o a %s leads to %o', (search, one, expected) => {
  expect(JSON.parse(JSON.stringify(within(search, ROW, one)))).toEqual(expected)
})

test.each(['account', 'source', 'minute'] as const)('by this %s nothing can be chosen', (one) => {
  expect(within({}, ROW, one)).toBeNull()
})

const WINDOW = { from: Date.parse('2026-01-25T00:00:00Z'), to: null, step: 'day' as const }

test.each([
  [{}, ['key'], { key: 'k1', from: '2026-01-25T00:00:00.000Z' }],
  // One that was chosen still holds, of several the log can take none.
  [
    { account: 'a1', model: 'a,b' },
    ['day'],
    { account: 'a1', from: '2026-01-31T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' },
  ],
  [
    { key: 'k1' },
    ['model', 'account'],
    { key: 'k1', model: 'sonnet', from: '2026-01-25T00:00:00.000Z' },
  ],
] as const)('the requests of a row of %o by %o are those of %o', (search, grouping, expected) => {
  expect(requestsOf(search, ROW, grouping, WINDOW)).toEqual(expected)
})
