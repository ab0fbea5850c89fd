import { expect, test } from 'vitest'
import { chooseLanguage } from './language'

test.each([
  ['zh', ['en-GB'], 'zh'],
  ['en', ['zh-CN'], 'en'],
  [null, ['zh-TW', 'en'], 'zh'],
  [null, ['de', 'en-US', 'zh'], 'en'],
  [null, ['de', 'fr'], 'en'],
  ['klingon', ['zh'], 'zh'],
  [null, [], 'en'],
] as const)('stored %s and preferred %s give %s', (stored, preferred, expected) => {
  expect(chooseLanguage(stored, preferred)).toBe(expected)
})
