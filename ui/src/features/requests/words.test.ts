import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import english from '@/locales/en/requests'
import { partsOf } from './use-note-words'

const source = readFileSync(new URL('../../../../gateway/errors.py', import.meta.url), 'utf8')
/** Never raised themselves: what others are kinds of. */
const ABSTRACT = ['GatewayError', 'ClientError', 'ApiKeyError', 'LimitExceeded', 'UpstreamError']

test('every error that the gateway knows has a name and advice here', () => {
  const names = [...source.matchAll(/^class (\w+)\(/gm)].map((match) => match[1] ?? '')
  expect(names.length).toBeGreaterThan(30)
  const missing = names.filter((name) => !ABSTRACT.includes(name) && !(name in english.error))
  expect(missing).toEqual([])
})

test.each([
  ['dropped:top_k', 'dropped', 'top_k'],
  ['dropped:tool:bash', 'dropped', 'tool:bash'],
  ['odd', 'odd', ''],
])('the note %s is of a kind and has a subject', (note, kind, subject) => {
  expect(partsOf(note)).toEqual({ kind, subject })
})
