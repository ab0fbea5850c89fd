import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const NAME = 'virtual:mantine-styles'
const HERE = new URL('..', import.meta.url).pathname
const MANTINE = join(HERE, 'node_modules/@mantine')
/** Where components are, and what several of them are made of. */
const PARTS = ['components', 'utils'].map((folder) => join(MANTINE, 'core/esm', folder))
const ALWAYS = ['default-css-variables', 'baseline', 'global']

/**
 * The styles of those Mantine components that are used, in place of all hundred: a third of the
 * size, and nobody has to keep a list.
 */
export function mantineStyles(): Plugin {
  return {
    name: 'mantine-styles',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
    load(id) {
      if (id !== `\0${NAME}`) return null
      const ordered: string[] = []
      const sources = files(join(HERE, 'src'), /\.tsx?$/).map((file) => readFileSync(file, 'utf-8'))
      for (const name of usedNames(sources)) addWithParts(name, ordered)
      ordered.push(...usedMembers(sources))
      const sheets = [...ALWAYS, ...ordered.filter(hasStyles)]
      return sheets.map((sheet) => `import '@mantine/core/styles/${sheet}.layer.css'`).join('\n')
    },
  }
}

/** What our code imports from Mantine's core. */
function usedNames(sources: string[]): Set<string> {
  const names = new Set<string>()
  for (const source of sources) {
    const imports = source.matchAll(/import\s*\{([^}]*)\}\s*from\s*["']@mantine\/core["']/g)
    for (const [, list = ''] of imports) {
      for (const word of list.split(',')) names.add(word.trim().split(/\s+/)[0] ?? '')
    }
  }
  return names
}

/** Parts that have a sheet of their own beside that of the whole: `Radio.Card` is RadioCard. */
function usedMembers(sources: string[]): Set<string> {
  const members = sources.flatMap((source) => [...source.matchAll(/<([A-Z]\w+)\.([A-Z]\w+)/g)])
  return new Set(members.map(([, whole, part]) => `${whole}${part}`))
}

/** A component after those that it is made of, so that its own styles win. */
function addWithParts(name: string, ordered: string[], seen = new Set<string>()): void {
  const folder = PARTS.map((parts) => join(parts, name)).find((path) => existsSync(path))
  if (seen.has(name) || ordered.includes(name) || !name || !folder) return
  seen.add(name)
  for (const file of files(folder, /\.mjs$/)) {
    for (const [, part = ''] of readFileSync(file, 'utf-8').matchAll(
      /from "(?:\.\.\/)+(?:utils\/)?(\w+)\//g,
    )) {
      addWithParts(part, ordered, seen)
    }
  }
  ordered.push(name)
}

function hasStyles(name: string): boolean {
  return existsSync(join(MANTINE, 'core/styles', `${name}.layer.css`))
}

function files(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf-8' })
    .map((name) => join(folder, name))
    .filter((path) => pattern.test(path) && statSync(path).isFile())
    .sort()
}
