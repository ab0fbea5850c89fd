import { expect, test } from 'vitest'
import { stateOf, tightest } from './standing'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const KEY = { enabled: true, expires_at: null, kiro_accounts: ['main'] }

test.each([
  [{}, 'active'],
  [{ expires_at: '2026-03-01T00:00:00Z' }, 'active'],
  [{ expires_at: '2026-02-02T00:00:00Z' }, 'endsSoon'],
  [{ expires_at: '2026-01-31T12:00:00Z' }, 'expired'],
  [{ expires_at: '2026-01-01T00:00:00Z', enabled: false }, 'disabled'],
  [{ kiro_accounts: [] }, 'noAccount'],
])('a key with %j is %s', (members, expected) => {
  expect(stateOf({ ...KEY, ...members }, NOW)).toBe(expected)
})

const limit = (name: string, used: number, most: number) => ({
  name,
  used,
  limit: most,
  remaining: most - used,
  resets_at: null,
})

test('the tightest limit is the one used most, by its share', () => {
  const limits = [limit('tokens_per_day', 900, 10_000), limit('requests_per_minute', 5, 10)]
  expect(tightest(limits)?.name).toBe('requests_per_minute')
  expect(tightest([])).toBeNull()
})
