import { describe, expect, test } from 'vitest'
import { ApiError, errorOf, fieldOf } from './errors'

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, statusText: 'Bad Gateway', headers })

describe('what an answer says', () => {
  test('comes from its body', () => {
    const body = { error: { message: 'No such key.', type: 'not_found' } }
    const error = errorOf(body, answer(404, { 'retry-after': '7' }))
    expect(error).toMatchObject({
      message: 'No such key.',
      status: 404,
      type: 'not_found',
      retryAfter: 7,
    })
  })

  test.each([['<html>'], [undefined], [null], [{ error: 'text' }]])(
    'is its status where a proxy answers with %j',
    (body) => {
      const error = errorOf(body, answer(502))
      expect(error).toMatchObject({ message: '502 Bad Gateway', type: 'unknown', retryAfter: null })
    },
  )
})

describe('the field that a refusal is about', () => {
  test.each([
    ['name is required', 'name', 'Is required'],
    ['tokens_per_day: expected `int` >= 1', 'tokens_per_day', 'Expected `int` >= 1'],
    ['kiro_accounts[0]: expected `str`', 'kiro_accounts', 'Expected `str`'],
    ['credits_per_month is too large', 'credits_per_month', 'Is too large'],
    [
      'max_concurrent_requests has to be above zero',
      'max_concurrent_requests',
      'Has to be above zero',
    ],
    ['expires_at: a: b', 'expires_at', 'A: b'],
  ])('%s', (message, field, said) => {
    expect(fieldOf(new ApiError(message, 400, 'x'))).toEqual({ field, message: said })
  })

  test.each([
    ['The API key would have expired already.', 400],
    ['There is no account "x".', 404],
    ['name is required', 500],
  ])('is none for %s (%d)', (message, status) => {
    expect(fieldOf(new ApiError(message, status, 'x'))).toBeNull()
  })

  test('is none for what is no answer', () => {
    expect(fieldOf(new Error('name is required'))).toBeNull()
  })
})
