import { expect, test } from 'vitest'
import { GROUPS, isLocal, problemsOf, WAYS, type SignInValues } from './ways'

const NOTHING: SignInValues = { port: '', start_url: '', idc_region: '', api_key: '', db_path: '' }

test('every way is offered once', () => {
  expect(GROUPS.flatMap(({ ways }) => [...ways])).toEqual([...WAYS])
})

test('a way only complains of what it uses', () => {
  for (const way of ['portal', 'external', 'builder', 'import'] as const) {
    expect(problemsOf(NOTHING, way)).toEqual({})
  }
  expect(problemsOf(NOTHING, 'organisation')).toEqual({
    start_url: 'required',
    idc_region: 'required',
  })
  expect(problemsOf(NOTHING, 'key')).toEqual({ api_key: 'required' })
})

test.each([
  ['0', 'port'],
  ['65536', 'port'],
  ['31.28', 'port'],
  ['3128', undefined],
])('port %s: %s', (port, problem) => {
  expect(problemsOf({ ...NOTHING, port }, 'portal').port).toBe(problem)
})

test.each([
  ['http://d-1234567890.awsapps.com/start', 'startUrl'],
  ['d-1234567890.awsapps.com/start', 'startUrl'],
  ['d-1234567890', 'startUrl'],
  [' https://d-1234567890.awsapps.com/start/#/ ', undefined],
])('start URL %s: %s', (start_url, problem) => {
  const values = { ...NOTHING, start_url, idc_region: 'eu-west-1' }
  expect(problemsOf(values, 'organisation').start_url).toBe(problem)
})

test.each([
  ['Ireland', 'region'],
  ['eu-west', 'region'],
  ['us-gov-west-1', undefined],
  ['EU-West-1', undefined],
])('region %s: %s', (idc_region, problem) => {
  const values = { ...NOTHING, start_url: 'https://x.awsapps.com/start', idc_region }
  expect(problemsOf(values, 'organisation').idc_region).toBe(problem)
})

test('a key with a blank in it was not copied well', () => {
  expect(problemsOf({ ...NOTHING, api_key: 'ksk_a b' }, 'key').api_key).toBe('spaces')
  expect(problemsOf({ ...NOTHING, api_key: ' ksk_ab\n' }, 'key').api_key).toBeUndefined()
})

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['[::1]', true],
  ['gateway.lan', false],
  ['10.0.0.7', false],
  ['localhost.example.com', false],
])('%s is on this machine: %s', (hostname, local) => {
  expect(isLocal(hostname)).toBe(local)
})
