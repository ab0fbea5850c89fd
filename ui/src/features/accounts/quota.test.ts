import { describe, expect, test } from 'vitest'
import type { Quota } from '@/api/types'
import { partsOf, quotaOfAll, resetOf, shareUsed } from './quota'

const amount = (used: number, limit: number) => ({
  used,
  limit,
  remaining: Math.max(0, limit - used),
  percent_used: limit ? (used / limit) * 100 : 0,
})

function quota(members: object = {}): Quota {
  return {
    known: true,
    base: amount(100, 1000),
    trial: { ...amount(0, 0), status: '', expires_at: null },
    bonus: amount(0, 0),
    total: amount(100, 1000),
    next_date_reset: null,
    ...members,
  } as Quota
}

describe('the share that is used', () => {
  test.each([
    [quota(), 0.1],
    [quota({ total: amount(1200, 1000) }), 1.2],
    [quota({ total: amount(0, 0) }), 1],
    [quota({ known: false }), null],
    [undefined, null],
  ])('%#', (one, expected) => {
    expect(shareUsed(one)).toBe(expected)
  })
})

test('the reset is in Unix seconds, and 0 is no date', () => {
  expect(resetOf(quota({ next_date_reset: 1_769_904_000 }))).toBe('2026-02-01T00:00:00.000Z')
  expect(resetOf(quota({ next_date_reset: 0 }))).toBeNull()
  expect(resetOf(undefined)).toBeNull()
})

test('the sum is of those that are on and tell amounts; what one has too much fills up no other', () => {
  const accounts = [
    { enabled: true, usage_limits: quota() },
    { enabled: true, usage_limits: quota({ total: amount(1500, 1000) }) },
    { enabled: true, usage_limits: quota({ known: false }) },
    { enabled: false, usage_limits: quota() },
    { enabled: true },
  ]
  expect(quotaOfAll(accounts)).toEqual({ used: 1600, limit: 2000, remaining: 900, accounts: 2 })
  expect(quotaOfAll([{ enabled: true }])).toBeNull()
})

test('a quota is the plan and what adds to it at present', () => {
  const trial = { ...amount(5, 500), status: 'ACTIVE', expires_at: '2026-02-10T00:00:00Z' }
  expect(partsOf(quota())).toEqual([{ kind: 'base', used: 100, limit: 1000, until: null }])
  expect(partsOf(quota({ trial, bonus: amount(1, 50) }))).toEqual([
    { kind: 'base', used: 100, limit: 1000, until: null },
    { kind: 'trial', used: 5, limit: 500, until: '2026-02-10T00:00:00Z' },
    { kind: 'bonus', used: 1, limit: 50, until: null },
  ])
})
