import { expect, test } from 'vitest'
import { listSearch, rangeSearch } from './search'

test.each([
  [
    { q: 'team', sort: '-name' },
    { q: 'team', sort: '-name' },
  ],
  [{ q: 42 }, { q: '42' }],
  [{ q: '', sort: 'drop table' }, {}],
  [{ q: { a: 1 }, sort: 7, other: 1 }, {}],
])('of %j a list keeps %j', (search, expected) => {
  expect(listSearch(search)).toEqual(expected)
})

test.each([
  [{ range: '7d' }, { range: '7d' }],
  [{ range: '8d' }, {}],
  [{}, {}],
])('of %j a range is %j', (search, expected) => {
  expect(rangeSearch(search)).toEqual(expected)
})
