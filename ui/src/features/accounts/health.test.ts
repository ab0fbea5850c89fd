import { describe, expect, test } from 'vitest'
import type { Account, Health } from '@/api/types'
import {
  canBeAsked,
  coolingModels,
  isState,
  needsAttention,
  rankOf,
  remediesOf,
  TONES,
  wordsOf,
  type State,
} from './health'

const STATES = Object.keys(TONES) as State[]
const cooldown = (model: string | null): Health['cooldowns'][number] => ({
  kind: 'rate',
  model,
  since: '2026-01-31T12:00:00Z',
  until: null,
})

test('whoever needs attention can be helped from here, and comes before all who do not', () => {
  const urgent = STATES.filter((state) => needsAttention({ state }))
  expect(urgent.length).toBeGreaterThan(0)
  for (const state of urgent) expect(remediesOf(state), state).not.toEqual([])
  const rank = (states: State[]) => states.map((state) => rankOf({ state }))
  const others = STATES.filter((state) => !urgent.includes(state))
  expect(Math.max(...rank(urgent))).toBeLessThan(Math.min(...rank(others)))
  expect(new Set(rank(STATES)).size).toBe(STATES.length)
})

test('one that serves or passes by itself bothers nobody', () => {
  for (const state of ['active', 'cooling_down', 'quota_exhausted', 'disabled'] as const) {
    expect(needsAttention({ state })).toBe(false)
  }
})

test('what Kiro said is quoted only where the state does not say it all', () => {
  expect(wordsOf({ state: 'failing', reason: 'Connection refused.' })).toBe('Connection refused.')
  expect(wordsOf({ state: 'suspended', reason: 'Kiro has suspended it.' })).toBeNull()
})

test('models that wait are named once, and the whole account is none of them', () => {
  const cooldowns = [cooldown('b'), cooldown(null), cooldown('a'), cooldown('b')]
  expect(coolingModels({ cooldowns })).toEqual(['a', 'b'])
})

describe('Kiro can be asked about an account', () => {
  const account = (state: State, has_token: boolean) =>
    ({ health: { state }, token_info: { has_token } }) as Account

  test.each([
    ['active', true, true],
    ['suspended', true, true],
    ['disabled', true, false],
    ['not_signed_in', false, false],
    ['disabled', false, false],
  ] as const)('%s, signed in %s: %s', (state, token, expected) => {
    expect(canBeAsked(account(state, token))).toBe(expected)
  })
})

test('a state of a later version is known as such', () => {
  expect(isState('active')).toBe(true)
  expect(isState('hibernating')).toBe(false)
})
