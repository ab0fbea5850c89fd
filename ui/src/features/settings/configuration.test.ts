import { expect, test } from 'vitest'
import type { Setting } from '@/api/types'
import { groupsOf, valueText } from './configuration'
import { settingsSearch } from './search'

const setting = (name: string, value: unknown, source = 'default'): Setting => ({
  name,
  value,
  source,
  description: `Says what ${name} is for.`,
  secret: false,
})
const SETTINGS = [
  setting('server.host', '0.0.0.0'),
  setting('server.port', 9000, 'flag --port'),
  setting('auth.admin_key', '***', 'config.yaml, line 3'),
]
const names = (query: string, onlyChanged = false) =>
  groupsOf(SETTINGS, query, onlyChanged).map(({ section, settings }) => [
    section,
    ...settings.map(({ name }) => name.split('.')[1]),
  ])

test('settings come by section', () => {
  expect(names('')).toEqual([
    ['server', 'host', 'port'],
    ['auth', 'admin_key'],
  ])
})

test.each([
  ['PORT', [['server', 'port']]],
  ['flag server', [['server', 'port']]],
  ['9000', [['server', 'port']]],
  ['what for host', [['server', 'host']]],
  ['nothing like it', []],
])('a search for %s looks at name, meaning, value and source', (query, found) => {
  expect(names(query)).toEqual(found)
})

test('defaults can be left out', () => {
  expect(names('', true)).toEqual([
    ['server', 'port'],
    ['auth', 'admin_key'],
  ])
})

test.each([
  [null, null],
  ['', null],
  [[], null],
  [{}, null],
  [false, 'false'],
  [0, '0'],
  [[90, 100], '90, 100'],
  [{ auto: 20 }, 'auto: 20'],
  [[{ type: 'slack', name: '' }], 'type: slack, name: ""'],
])('the value %j is written %s', (value, text) => {
  expect(valueText(value)).toBe(text)
})

test.each([
  [{ tab: 'notifications' }, { tab: 'notifications' }],
  [
    { tab: 'secrets', q: 8080, changed: true },
    { q: '8080', changed: true },
  ],
  [{ changed: 'yes', q: '' }, {}],
])('of %j the address keeps %j', (search, expected) => {
  expect(settingsSearch(search)).toEqual(expected)
})
