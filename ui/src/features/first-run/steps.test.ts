import { expect, test } from 'vitest'
import type { Account, ApiKey } from '@/api/types'
import { accountToSetUp, isOpen, keyToSetUp, stepToDo, type Standing } from './steps'

const account = (members: Partial<Account>) =>
  ({ id: 'a', name: 'work', auth_method: null, healthy: false, ...members }) as Account
const key = (members: Partial<ApiKey>) =>
  ({ id: 'k', enabled: true, kiro_accounts: ['work'], expires_at: null, ...members }) as ApiKey

const SIGNED_IN = account({ auth_method: 'social', healthy: true })
const NOTHING: Standing = { account: null, key: null, requested: false }

test.each<[Standing, string]>([
  [NOTHING, 'account'],
  [{ ...NOTHING, account: account({}) }, 'sign-in'],
  [{ ...NOTHING, account: SIGNED_IN }, 'key'],
  [{ account: SIGNED_IN, key: key({}), requested: false }, 'request'],
  [{ account: SIGNED_IN, key: key({}), requested: true }, 'client'],
  // Requests of a key that is gone prove nothing for a new one.
  [{ account: SIGNED_IN, key: null, requested: true }, 'key'],
])('what is there decides where to go on: %#', (standing, step) => {
  expect(stepToDo(standing)).toBe(step)
})

test('whoever looks at an earlier step goes on from there', () => {
  expect(stepToDo({ account: SIGNED_IN, key: key({}), requested: false }, 'sign-in')).toBe(
    'request',
  )
})

test('steps are open as far as all before them are done', () => {
  const standing = { ...NOTHING, account: SIGNED_IN }
  expect(isOpen('key', standing)).toBe(true)
  expect(isOpen('request', standing)).toBe(false)
  expect(isOpen('account', NOTHING)).toBe(true)
})

test('of several accounts the one that works', () => {
  const one = account({ id: '1' })
  const two = account({ id: '2', auth_method: 'idc' })
  const three = account({ id: '3', auth_method: 'social', healthy: true })
  expect(accountToSetUp([one, two, three], null)).toBe(three)
  expect(accountToSetUp([one, two], null)).toBe(two)
  expect(accountToSetUp([one, two, three], '1')).toBe(one)
  expect(accountToSetUp([], '1')).toBeNull()
})

test('a key counts if a client could use it with the account', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const useless = [
    key({ id: '1', enabled: false }),
    key({ id: '2', kiro_accounts: ['other'] }),
    key({ id: '3', expires_at: '2025-12-31T00:00:00Z' }),
  ]
  expect(keyToSetUp(useless, SIGNED_IN, '1', now)).toBeNull()
  const good = key({ id: '4', expires_at: '2026-12-31T00:00:00Z' })
  expect(keyToSetUp([...useless, good], SIGNED_IN, null, now)).toBe(good)
  expect(keyToSetUp([good], null, '4', now)).toBeNull()
})
