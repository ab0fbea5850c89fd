import { expect, test } from 'vitest'
import { problemOfAddress } from './pasted-address'

const OPENED = 'https://app.kiro.dev/signin?state=abc&redirect_uri=http%3A%2F%2Flocalhost%3A3128'

test.each([
  ['', 'required'],
  ['   ', 'required'],
  ['nonsense', 'notAnAddress'],
  ['https://app.kiro.dev/signin?state=abc', 'notAnAddress'],
  ['http://gateway.lan:3128/oauth/callback?code=c&state=abc', 'notAnAddress'],
  ['http://localhost:3128/oauth/callback?state=abc', 'notAnAddress'],
  ['http://localhost:3128/signin/callback?loginOption=awsidc&state=abc', null],
  ['http://localhost:3128/oauth/callback?code=c', 'noState'],
  ['http://localhost:3128/oauth/callback?code=c&state=', 'noState'],
  ['http://localhost:3128/oauth/callback?code=c&state=other', 'foreignState'],
  ['kiro://kiro.oauth/callback?code=c&state=abc', 'otherStep'],
  ['http://localhost:3128/oauth/callback?code=c&state=abc', null],
  ['http://127.0.0.1:3128/signin/callback?code=c&state=abc', null],
  ['http://[::1]:3128/signin/callback?code=c&state=abc', null],
  ['  "http://localhost:3128/oauth/callback?code=c&state=abc" \n', null],
  ['http://localhost:3128/oauth/callback?error=access_denied&state=abc', null],
])('%s at the first page: %s', (pasted, problem) => {
  expect(problemOfAddress(pasted, 'loopback', OPENED)).toBe(problem)
})

test('the second page of an organisation ends on an address of its own', () => {
  const opened = 'https://login.example.com/authorize?client_id=x&state=second'
  const kiro = (state: string) => `kiro://kiro.oauth/callback?code=c&state=${state}`
  expect(problemOfAddress(kiro('second'), 'kiro', opened)).toBeNull()
  expect(problemOfAddress(kiro('abc'), 'kiro', opened)).toBe('foreignState')
  const first = 'http://localhost:3128/signin/callback?code=c&state=second'
  expect(problemOfAddress(first, 'kiro', opened)).toBe('otherStep')
})

test('without a state to compare with, the gateway decides', () => {
  const pasted = 'http://localhost:3128/oauth/callback?code=c&state=any'
  expect(problemOfAddress(pasted, 'loopback', '')).toBeNull()
})
