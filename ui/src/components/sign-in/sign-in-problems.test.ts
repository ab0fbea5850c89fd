import { expect, test } from 'vitest'
import { ApiError } from '@/api/errors'
import type { Login } from '@/api/types'
import { clockTime, detailOf, placeOfRefusal, reasonOf } from './sign-in-problems'

const refused = (status: number, message: string) => new ApiError(message, status, 'any')

test('a refusal goes to what it is about', () => {
  const taken = refused(409, 'Port 3128 of this machine is taken by another program. Stop that.')
  expect(placeOfRefusal(taken, 'portal')).toEqual({ field: 'port', refusal: 'portTaken' })
  const every = refused(409, 'Every port that the sign-in page can come back to is taken: 3128.')
  expect(placeOfRefusal(every, 'portal')).toBeNull()
  const unknown = refused(502, 'The service refuses. Check the start URL and its region.')
  expect(placeOfRefusal(unknown, 'organisation')).toMatchObject({ field: 'start_url' })
  expect(placeOfRefusal(unknown, 'builder')).toBeNull()
  const region = refused(400, 'A region looks like us-east-1, and "x" does not.')
  expect(placeOfRefusal(region, 'organisation')).toMatchObject({ field: 'idc_region' })
  const key = refused(400, 'api_key: expected `str` matching regex')
  expect(placeOfRefusal(key, 'key')).toMatchObject({ field: 'api_key' })
  expect(placeOfRefusal(new Error('broken'), 'key')).toBeNull()
})

const login = (members: Partial<Login>): Login => ({
  id: 'x',
  account: 'work',
  provider: 'work',
  method: 'portal',
  status: 'pending',
  message: '',
  created_at: '2026-01-01T00:00:00Z',
  expires_at: '2026-01-01T00:10:00Z',
  ...members,
})

test.each([
  [login({}), null],
  [login({ status: 'completed' }), null],
  [login({ status: 'cancelled' }), 'cancelled'],
  [login({ status: 'expired' }), 'expired'],
  [login({ status: 'error', reason: 'denied' }), 'denied'],
  [login({ status: 'error' }), 'internal'],
])('the reason of %o', (it, reason) => {
  expect(reasonOf(it)).toBe(reason)
})

test('what the gateway says is shown where it says more', () => {
  const error = 'The sign-in page reports an error: server_error.'
  expect(detailOf(login({ status: 'error', reason: 'refused', error }), 'refused')).toBe(error)
  expect(detailOf(login({ status: 'error', reason: 'denied', error }), 'denied')).toBeNull()
})

test.each([
  [600_000, '10:00'],
  [581_001, '9:41'],
  [59_000, '0:59'],
  [-5, '0:00'],
])('%d ms are %s', (milliseconds, time) => {
  expect(clockTime(milliseconds)).toBe(time)
})
