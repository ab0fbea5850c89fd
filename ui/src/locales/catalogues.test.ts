import { expect, test } from 'vitest'

type Texts = { [key: string]: string | Texts }
const modules = import.meta.glob<{ default: Texts }>(['./en/*.ts', './zh/*.ts'], { eager: true })

function texts(language: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [path, { default: catalogue }] of Object.entries(modules)) {
    if (path.startsWith(`./${language}/`)) flatten(catalogue, `${path.slice(5, -3)}:`, found)
  }
  return found
}

function flatten(catalogue: Texts, prefix: string, into: Map<string, string>): void {
  for (const [key, value] of Object.entries(catalogue)) {
    if (typeof value === 'string') into.set(prefix + key, value)
    else flatten(value, `${prefix}${key}.`, into)
  }
}

const english = texts('en')
const chinese = texts('zh')
const places = (text: string | undefined) =>
  [...(text ?? '').matchAll(/\{\{\s*(\w+)/g)].map((m) => m[1])

test('there are texts at all', () => {
  expect(english.size).toBeGreaterThan(50)
})

test('both languages have the same keys; Chinese has one plural form', () => {
  const wanted = [...english.keys()].filter((key) => !key.endsWith('_one'))
  expect([...chinese.keys()].sort()).toEqual(wanted.sort())
})

test.each([...english.keys()].filter((key) => !key.endsWith('_one')))(
  '%s has the same places to fill in',
  (key) => {
    expect(places(chinese.get(key)).sort()).toEqual(places(english.get(key)).sort())
  },
)

test('Chinese is Chinese, but for names and what is the same everywhere', () => {
  const same = [...chinese].filter(
    ([key, text]) => text === english.get(key) && /[a-z]{4} [a-z]{3}/.test(text),
  )
  expect(same).toEqual([])
})

test('no text is empty or ends in a blank', () => {
  for (const [key, text] of [...english, ...chinese]) expect(text, key).toMatch(/\S$/)
})
