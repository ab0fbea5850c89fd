import { expect, test } from 'vitest'
import { matching, moved } from './commands'

const COMMANDS = [{ label: 'Appearance: Dark' }, { label: 'API keys' }, { label: '外观: 深色' }]

test.each([
  ['', 3],
  ['dark appearance', 1],
  ['KEYS', 1],
  ['深', 1],
  ['keys dark', 0],
])('%j finds %d', (query, count) => {
  expect(matching(query, COMMANDS)).toHaveLength(count)
})

test.each([
  [0, 3, 'ArrowDown', 1],
  [2, 3, 'ArrowDown', 0],
  [0, 3, 'ArrowUp', 2],
  [1, 3, 'PageDown', 2],
  [1, 3, 'PageUp', 0],
  [1, 3, 'a', null],
  [-1, 0, 'ArrowDown', null],
])('from %d of %d %s leads to %j', (place, count, key, expected) => {
  expect(moved(place, count, key)).toBe(expected)
})
