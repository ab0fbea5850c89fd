import { describe, expect, test } from 'vitest'
import type { ApiKey } from '@/api/types'
import { localTime } from '@/components/local-time'
import { keyOf, problemsOf, valuesOf } from './key-form-values'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const SAID = {
  required: 'required',
  wholeNumber: 'whole',
  positive: 'positive',
  noAccount: 'account',
  past: 'past',
}
const VALUES = { ...valuesOf(null), name: 'team', kiro_accounts: ['main'] }

test('an untouched form of a key changes nothing', () => {
  const members = {
    name: 'team',
    kiro_accounts: ['main', 'other'],
    kiro_default_account: 'other',
    expires_at: '2026-03-01T08:30:00.000Z',
    requests_per_minute: 60,
    max_concurrent_requests: null,
    tokens_per_day: 1_000_000,
    credits_per_month: 2.5,
    allowed_models: ['claude-sonnet-4.5'],
    failover: true,
    suppress_reasoning: false,
    notes: 'for the build machine',
  }
  expect(keyOf(valuesOf(members as unknown as ApiKey))).toEqual(members)
})

test('what is empty is no limit and no end', () => {
  const key = keyOf(VALUES)
  expect(key.tokens_per_day).toBeNull()
  expect(key.expires_at).toBeNull()
})

test.each([
  [['main', 'other'], 'other', 'other'],
  [['main'], 'gone', 'main'],
  [[], 'gone', null],
])('of %j and %s the default is %s', (kiro_accounts, kiro_default_account, expected) => {
  const values = { ...VALUES, kiro_accounts, kiro_default_account }
  expect(keyOf(values).kiro_default_account).toBe(expected)
})

describe('what is complained about', () => {
  test('nothing, when all is well', () => {
    expect(problemsOf({ ...VALUES, credits_per_month: 0.5 }, SAID, NOW)).toEqual({})
  })

  test.each([
    [{ name: '  ' }, { name: 'required' }],
    [{ kiro_accounts: [] }, { kiro_accounts: 'account' }],
    [{ expires_at: localTime(new Date(NOW - 60_000)) }, { expires_at: 'past' }],
    [{ requests_per_minute: 0 }, { requests_per_minute: 'whole' }],
    [{ tokens_per_day: 1.5 }, { tokens_per_day: 'whole' }],
    [{ max_concurrent_requests: -1 }, { max_concurrent_requests: 'whole' }],
    [{ credits_per_month: 0 }, { credits_per_month: 'positive' }],
  ])('%j', (members, expected) => {
    expect(problemsOf({ ...VALUES, ...members }, SAID, NOW)).toEqual(expected)
  })
})
