import { expect, test, vi } from 'vitest'
import { ApiError, Unreachable } from '@/api/errors'
import { takeLink } from './one-time-link'
import { problemOf } from './sign-in-problem'

const refused = (status: number, type = 'x', retryAfter: number | null = null) =>
  new ApiError('said so', status, type, retryAfter)

test.each([
  ['a wrong key', refused(401), false, { kind: 'wrongKey' }],
  ['a used link', refused(401), true, { kind: 'linkUsed' }],
  ['a wrong place', refused(403), false, { kind: 'notAllowed', message: 'said so' }],
  ['too many tries', refused(429, 'x', 3.2), false, { kind: 'slowDown', seconds: 4 }],
  ['too many tries, no time told', refused(429), false, { kind: 'slowDown', seconds: 4 }],
  ['nobody there', new Unreachable('gone'), false, { kind: 'away' }],
  ['a proxy alone', refused(502, 'unknown'), false, { kind: 'away' }],
  [
    'a draining gateway',
    refused(503, 'server_error'),
    false,
    { kind: 'failed', message: 'said so' },
  ],
  ['a defect', refused(500), true, { kind: 'failed', message: 'said so' }],
])('%s', (_, error, byLink, expected) => {
  expect(problemOf(error, byLink)).toEqual(expected)
})

test.each([
  ['#link=abc_-9', 'abc_-9'],
  ['#link=', null],
  ['#other', null],
  ['', null],
])('of %j the token is %j', (hash, token) => {
  const replaceState = vi.fn()
  const location = { hash, pathname: '/ui', search: '?a=1' } as Location
  expect(takeLink(location, { state: null, replaceState } as unknown as History)).toBe(token)
  const expected = hash.startsWith('#link=') ? [[null, '', '/ui?a=1']] : []
  expect(replaceState.mock.calls).toEqual(expected)
})
