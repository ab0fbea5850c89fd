import { describe, expect, test } from 'vitest'
import type { Account } from '@/api/types'
import { changeOf, newAccountOf, problemsOf, valuesOf } from './account-form-values'

const SAID = {
  required: 'required',
  name: 'name',
  region: 'region',
  proxy: 'proxy',
  wholeNumber: 'whole',
  noSpaces: 'spaces',
}
const ARN = 'arn:aws:codewhisperer:us-east-1:111122223333:profile/A'
const ACCOUNT = {
  name: 'work',
  region: 'eu-west-1',
  api_region: null,
  proxy: 'http://proxy:3128',
  max_concurrent_requests: 4,
  token_info: { profile_arn: ARN },
} as Account
const VALUES = { ...valuesOf(null), name: 'work' }

test('an untouched form sends nothing, so that no hidden password or cool-down is lost', () => {
  expect(changeOf(ACCOUNT, valuesOf(ACCOUNT))).toEqual({})
})

test.each([
  [{ name: ' desk ' }, { name: 'desk' }],
  [{ region: 'us-east-1' }, { region: 'us-east-1' }],
  [{ api_region: 'eu-central-1' }, { api_region: 'eu-central-1' }],
  [{ proxy: '' }, { proxy: null }],
  [{ max_concurrent_requests: '' }, { max_concurrent_requests: null }],
  [{ max_concurrent_requests: 9 }, { max_concurrent_requests: 9 }],
  [{ profile_arn: '' }, { profile_arn: null }],
  [{ api_key: ' ksk_1 ' }, { api_key: 'ksk_1' }],
])('a change of %j sends %j alone', (change, sent) => {
  expect(changeOf(ACCOUNT, { ...valuesOf(ACCOUNT), ...change })).toEqual(sent)
})

test('what a new account leaves empty is null, and no key is no member', () => {
  expect(newAccountOf(VALUES)).toEqual({
    name: 'work',
    region: 'us-east-1',
    api_region: null,
    proxy: null,
    max_concurrent_requests: null,
  })
  expect(newAccountOf({ ...VALUES, api_key: 'ksk_1' })).toMatchObject({ api_key: 'ksk_1' })
})

describe('what is complained about', () => {
  test('nothing, when all is well', () => {
    const all = { api_region: 'us-gov-west-1', proxy: 'socks5://u:p@h:1', api_key: 'ksk_1' }
    expect(problemsOf({ ...VALUES, ...all, max_concurrent_requests: 1 }, SAID)).toEqual({})
  })

  test.each([
    [{ name: '  ' }, { name: 'required' }],
    [{ name: '-first' }, { name: 'name' }],
    [{ name: 'with space' }, { name: 'name' }],
    [{ name: 'a'.repeat(65) }, { name: 'name' }],
    [{ region: '' }, { region: 'required' }],
    [{ region: 'Frankfurt' }, { region: 'region' }],
    [{ api_region: 'eu' }, { api_region: 'region' }],
    [{ proxy: 'proxy:3128' }, { proxy: 'proxy' }],
    [{ proxy: 'ftp://proxy' }, { proxy: 'proxy' }],
    [{ max_concurrent_requests: 0 }, { max_concurrent_requests: 'whole' }],
    [{ max_concurrent_requests: 1.5 }, { max_concurrent_requests: 'whole' }],
    [{ max_concurrent_requests: 2_000_000 }, { max_concurrent_requests: 'whole' }],
    [{ api_key: 'two words' }, { api_key: 'spaces' }],
  ])('%j', (members, expected) => {
    expect(problemsOf({ ...VALUES, ...members }, SAID)).toEqual(expected)
  })
})
