import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { modelsToSuggest, snippetsFor, type SnippetId, type SnippetPart } from './snippets'

const TARGET = {
  baseUrl: 'https://gateway.example.com:8443',
  apiKey: 'sk-kiro-abc_DEF-123',
  model: 'claude-sonnet-4.5',
  smallModel: 'claude-haiku-4.5',
}
const ENDPOINTS = ['/v1/messages', '/v1/chat/completions', '/v1/responses']
const snippets = snippetsFor(TARGET, ENDPOINTS)
const written = (part: SnippetPart | undefined) =>
  !part ? '' : 'text' in part ? part.text : part.rows.map((row) => row.join(': ')).join('\n')
const textOf = (id: SnippetId, part = 0) =>
  written(snippets.find((snippet) => snippet.id === id)?.parts[part])

/** What a shell makes of the lines: the environment after them. */
function environment(script: string): Record<string, string> {
  const lines = script.split('\n').filter((line) => line.startsWith('export '))
  const out = execFileSync('sh', ['-c', [...lines, 'env'].join('\n')], { encoding: 'utf-8' })
  const pairs = out.split('\n').map((line): [string, string] => {
    const [name = '', value = ''] = line.split(/=(.*)/s)
    return [name, value]
  })
  return Object.fromEntries(pairs)
}

test('every client is there, each with the address and the key', () => {
  expect(snippets.map(({ id }) => id)).toEqual([
    'claude-code',
    'codex',
    'opencode',
    'cline',
    'cursor',
    'open-webui',
    'curl',
    'python',
  ])
  for (const { id, parts } of snippets) {
    const whole = parts.map(written).join('\n')
    expect(whole, id).toContain('https://gateway.example.com:8443')
    expect(whole, id).toContain(TARGET.apiKey)
  }
})

test('a client that speaks what the gateway does not is left out', () => {
  const ids = snippetsFor(TARGET, ['/v1/messages']).map(({ id }) => id)
  expect(ids).not.toContain('codex')
  expect(ids).toContain('claude-code')
})

describe('who appends /v1 itself gets none, and the others do', () => {
  test('Claude Code', () => {
    expect(environment(textOf('claude-code'))['ANTHROPIC_BASE_URL']).toBe(TARGET.baseUrl)
    const file = JSON.parse(textOf('claude-code', 1)) as { env: Record<string, string> }
    expect(file.env['ANTHROPIC_BASE_URL']).toBe(TARGET.baseUrl)
  })
  test('Open WebUI', () => {
    expect(environment(textOf('open-webui'))['OPENAI_API_BASE_URL']).toBe(`${TARGET.baseUrl}/v1`)
  })
  test.each(['cline', 'cursor'] as const)('%s', (id) => {
    expect(textOf(id)).toMatch(/Base URL: https:\/\/gateway\.example\.com:8443\/v1$/m)
  })
  test('Codex', () => {
    expect(textOf('codex')).toContain('base_url = "https://gateway.example.com:8443/v1"')
    expect(textOf('codex')).toContain('wire_api = "responses"')
  })
  test('opencode', () => {
    const config = JSON.parse(textOf('opencode')) as {
      provider: { kiro: { options: object; models: object } }
    }
    expect(config.provider.kiro.options).toEqual({
      baseURL: `${TARGET.baseUrl}/v1`,
      apiKey: TARGET.apiKey,
    })
    expect(Object.keys(config.provider.kiro.models)).toEqual([TARGET.model, TARGET.smallModel])
  })
})

test('a shell hands curl the very body, quotes and all', () => {
  const [line] = snippetsFor({ ...TARGET, model: "it's a $(model)" }, []).slice(-2)
  const script = `curl() { printf '%s\\n' "$@"; }\n${written(line?.parts[0])}`
  const words = execFileSync('sh', ['-c', script], { encoding: 'utf-8' }).trimEnd().split('\n')
  expect(words.slice(0, 2)).toEqual(['-N', `${TARGET.baseUrl}/v1/messages`])
  expect(words).toContain(`x-api-key: ${TARGET.apiKey}`)
  const body = JSON.parse(words.at(-1) ?? '') as { model: string }
  expect(body.model).toBe("it's a $(model)")
})

test.each([
  [
    ['claude-haiku-4.5', 'claude-sonnet-4', 'claude-sonnet-4.5'],
    'claude-sonnet-4.5',
    'claude-haiku-4.5',
  ],
  [['auto', 'claude-opus-4.5'], 'claude-opus-4.5', 'claude-opus-4.5'],
  [['qwen3-coder'], 'qwen3-coder', 'qwen3-coder'],
  [[], 'claude-sonnet-4.5', 'claude-haiku-4.5'],
])('of %j it suggests %s and %s', (models, model, smallModel) => {
  expect(modelsToSuggest(models)).toEqual({ model, smallModel })
})
