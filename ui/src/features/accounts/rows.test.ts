import { expect, test } from 'vitest'
import type { Account } from '@/api/types'
import type { State } from './health'
import { spellsOf } from './history'
import { chosenRows, rowsOf, sortedRows } from './rows'
import { accountsSearch } from './search'

function account(name: string, state: State, members: object = {}): Account {
  const healthy = state === 'active' || state === 'cooling_down'
  return {
    id: `id-${name}`,
    name,
    region: 'us-east-1',
    api_region: null,
    email: null,
    subscription: null,
    auth_method: null,
    health: { state, healthy, since: null, next_check_at: null },
    ...members,
  } as Account
}

const ACCOUNTS = [
  account('b', 'active', { email: 'bea@example.com', subscription: 'KIRO PRO' }),
  account('a2', 'suspended'),
  account('a10', 'quota_exhausted', { region: 'eu-west-1' }),
  account('c', 'disabled'),
]
const ROWS = rowsOf(ACCOUNTS, new Map([['id-b', { total_requests: 7, errors: 2 }]]))
const names = (rows: typeof ROWS) => rows.map((row) => row.account.name)

test('who has served nothing has no requests; who is not asked about yet, nothing', () => {
  expect(ROWS.map(({ requests, errors }) => [requests, errors])).toEqual([
    [7, 2],
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  expect(rowsOf(ACCOUNTS, undefined)[0]?.requests).toBeNull()
})

test.each([
  ['', undefined, ['b', 'a2', 'a10', 'c']],
  ['pro BEA', undefined, ['b']],
  ['eu-west', undefined, ['a10']],
  ['id-c', undefined, ['c']],
  ['', 'serving', ['b']],
  ['', 'attention', ['a2']],
  ['', 'off', ['c']],
  ['bea', 'off', []],
] as const)('a search for %j among %s', (search, shown, expected) => {
  expect(names(chosenRows(ROWS, search, shown))).toEqual(expected)
})

test.each([
  [undefined, ['b', 'a2', 'a10', 'c']],
  ['name', ['a2', 'a10', 'b', 'c']],
  ['status', ['a2', 'a10', 'b', 'c']],
  ['-requests', ['b', 'a2', 'a10', 'c']],
  ['plan', ['b', 'a2', 'a10', 'c']],
  ['nonsense', ['b', 'a2', 'a10', 'c']],
])('sorted by %s', (sort, expected) => {
  expect(names(sortedRows(ROWS, sort))).toEqual(expected)
})

test('an address keeps what makes sense', () => {
  expect(accountsSearch({ q: 'x', sort: '-name', show: 'off' })).toEqual({
    q: 'x',
    sort: '-name',
    show: 'off',
  })
  expect(accountsSearch({ show: 'everything', sort: ';drop' })).toEqual({})
})

test('a spell lasts until the next change, and the latest one still does', () => {
  const change = (at: string, state: string) => ({ at, state, reason: null, until: null })
  const changes = [
    change('2026-01-31T12:00:00Z', 'active'),
    change('2026-01-31T11:30:00Z', 'failing'),
    change('2026-01-31T09:00:00Z', 'active'),
  ]
  expect(spellsOf(changes).map(({ state, lasted }) => [state, lasted])).toEqual([
    ['active', null],
    ['failing', 30 * 60_000],
    ['active', 150 * 60_000],
  ])
})
