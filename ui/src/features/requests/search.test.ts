import { expect, test } from 'vitest'
import { activeFilters, canBeLive, queryOf, requestSearch, withoutAny } from './search'

const NOW = Date.parse('2026-06-15T12:00:00Z')

test.each([
  [{ status: 404 }, { status: '404' }],
  [{ status: '4xx' }, { status: '4xx' }],
  [{ status: 'failed' }, { status: 'failed' }],
  [{ status: 600 }, {}],
  [{ status: ['429'] }, {}],
  [
    { q: 12, key: ' k1 ' },
    { q: '12', key: 'k1' },
  ],
  [{ stream: false }, { stream: false }],
  [{ stream: 'yes' }, {}],
  [{ sort: '-created_at' }, {}],
  [{ sort: 'created_at' }, { sort: 'created_at' }],
  [{ range: '1h', from: 'soon' }, { range: '1h' }],
  [{ range: '1y', to: '2026-01-01T00:00:00Z' }, { to: '2026-01-01T00:00:00Z' }],
])('of %j an address keeps %j', (search, expected) => {
  expect(requestSearch(search)).toEqual(expected)
})

test.each([
  [{}, {}],
  [{ status: 'failed' }, { failed: true }],
  [{ status: 'ok' }, { failed: false }],
  [{ status: '4xx' }, { status: '4xx' }],
  [
    { key: 'k', account: 'a', model: 'm', error: 'E', stream: false },
    { key_id: 'k', account: 'a', model: 'm', error: 'E', stream: false },
  ],
  [{ range: '15m' as const }, { from: '2026-06-15T11:45:00.000Z' }],
  // A relative time counts, whatever else is there.
  [{ range: '24h' as const, to: '2026-01-01T00:00:00Z' }, { from: '2026-06-14T12:00:00.000Z' }],
])('%j asks the gateway for %j', (search, expected) => {
  expect(queryOf(search, NOW)).toEqual(expected)
})

test('every filter that holds can be taken away', () => {
  const search = requestSearch({
    q: 'r',
    range: '1h',
    key: 'k',
    account: 'a',
    model: 'm',
    status: '4xx',
    error: 'E',
    stream: false,
  })
  expect(activeFilters(search)).toHaveLength(7)
  const left = requestSearch({ ...search, ...withoutAny(search) })
  expect(left).toEqual({})
})

test.each([
  [{}, true],
  [{ to: '2026-06-15T11:00:00Z' }, false],
  [{ to: '2026-06-15T13:00:00Z' }, true],
  [{ range: '1h' as const }, true],
  [{ sort: 'created_at' as const }, false],
])('%j can be live: %j', (search, expected) => {
  expect(canBeLive(search, NOW)).toBe(expected)
})
