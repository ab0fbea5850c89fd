import { expect, test } from 'vitest'
import type { Account } from '@/api/types'
import { quotaOfAll, worstFirst } from './quota'

type Part = Pick<Account, 'name' | 'enabled' | 'health' | 'usage_limits'>

function account(name: string, state: string, used?: number, known = true): Part {
  return {
    name,
    enabled: state !== 'disabled',
    health: { state },
    usage_limits:
      used === undefined
        ? undefined
        : { known, total: { used, limit: 100, remaining: 100 - used, percent_used: used } },
  } as unknown as Part
}

test('quotas of accounts that are on are added up, where they are known', () => {
  const accounts = [
    account('a', 'active', 30),
    account('b', 'failing', 50),
    account('off', 'disabled', 99),
    account('silent', 'active', 0, false),
    account('new', 'not_signed_in'),
  ]
  expect(quotaOfAll(accounts)).toEqual({ used: 80, limit: 200, remaining: 120, accounts: 2 })
  expect(quotaOfAll([])).toBeNull()
})

test('accounts in trouble come first, then those with the least left', () => {
  const accounts = [
    account('off', 'disabled', 99),
    account('b', 'active', 10),
    account('full', 'active', 95),
    account('a', 'active', 10),
    account('locked', 'suspended'),
    account('out', 'sign_in_required'),
  ]
  const names = worstFirst(accounts).map(({ name }) => name)
  expect(names).toEqual(['locked', 'out', 'full', 'a', 'b', 'off'])
})
