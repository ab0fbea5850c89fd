/** How a client is set up, in the client's own words. */
export interface Snippet {
  id: SnippetId
  /** The client's own name, the same in every language. */
  name: string
  parts: SnippetPart[]
}

export type SnippetId =
  'claude-code' | 'codex' | 'opencode' | 'cline' | 'cursor' | 'open-webui' | 'curl' | 'python'

/** Text for a shell or for a file, by its path; or fields to fill in, by name. */
export type SnippetPart =
  | { place: 'shell' | { file: string }; text: string }
  | { place: 'fields'; rows: [name: string, value: string][] }

export interface Target {
  /** Where the gateway answers clients, such as `http://127.0.0.1:8080`. */
  baseUrl: string
  apiKey: string
  model: string
  smallModel: string
}

/** Stands where a secret would, if it could still be shown. */
export const PLACEHOLDER = 'sk-kiro-…'

/** The set-up of each client that can be used with what the gateway answers. */
export function snippetsFor(target: Target, endpoints: readonly string[]): Snippet[] {
  const all = [
    claudeCode(target),
    ...(endpoints.includes('/v1/responses') ? [codex(target)] : []),
    opencode(target),
    cline(target),
    cursor(target),
    openWebUi(target),
    curl(target),
    python(target),
  ]
  return all
}

function claudeCode({ baseUrl, apiKey, model, smallModel }: Target): Snippet {
  const env = {
    ANTHROPIC_BASE_URL: baseUrl,
    ANTHROPIC_AUTH_TOKEN: apiKey,
    ANTHROPIC_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: smallModel,
    CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK: '1',
  }
  return {
    id: 'claude-code',
    name: 'Claude Code',
    parts: [
      { place: 'shell', text: [...exports(env), 'claude'].join('\n') },
      { place: { file: '~/.claude/settings.json' }, text: JSON.stringify({ env }, null, 2) },
    ],
  }
}

function codex({ baseUrl, apiKey, model }: Target): Snippet {
  const toml = [
    `model = ${JSON.stringify(model)}`,
    'model_provider = "kiro"',
    '',
    '[model_providers.kiro]',
    'name = "Kiro Gateway"',
    `base_url = ${JSON.stringify(`${baseUrl}/v1`)}`,
    'env_key = "KIRO_GATEWAY_KEY"',
    'wire_api = "responses"',
  ]
  return {
    id: 'codex',
    name: 'Codex',
    parts: [
      { place: { file: '~/.codex/config.toml' }, text: toml.join('\n') },
      { place: 'shell', text: [...exports({ KIRO_GATEWAY_KEY: apiKey }), 'codex'].join('\n') },
    ],
  }
}

function opencode({ baseUrl, apiKey, model, smallModel }: Target): Snippet {
  const config = {
    $schema: 'https://opencode.ai/config.json',
    provider: {
      kiro: {
        npm: '@ai-sdk/openai-compatible',
        name: 'Kiro Gateway',
        options: { baseURL: `${baseUrl}/v1`, apiKey },
        models: { [model]: {}, [smallModel]: {} },
      },
    },
    model: `kiro/${model}`,
    small_model: `kiro/${smallModel}`,
  }
  return {
    id: 'opencode',
    name: 'opencode',
    parts: [{ place: { file: 'opencode.json' }, text: JSON.stringify(config, null, 2) }],
  }
}

function cline({ baseUrl, apiKey, model }: Target): Snippet {
  const rows: [string, string][] = [
    ['API Provider', 'OpenAI Compatible'],
    ['Base URL', `${baseUrl}/v1`],
    ['API Key', apiKey],
    ['Model ID', model],
  ]
  return { id: 'cline', name: 'Cline', parts: [{ place: 'fields', rows }] }
}

function cursor({ baseUrl, apiKey, model }: Target): Snippet {
  const rows: [string, string][] = [
    ['OpenAI API Key', apiKey],
    ['Override OpenAI Base URL', `${baseUrl}/v1`],
    ['Model', model],
  ]
  return { id: 'cursor', name: 'Cursor', parts: [{ place: 'fields', rows }] }
}

function openWebUi({ baseUrl, apiKey }: Target): Snippet {
  const env = { OPENAI_API_BASE_URL: `${baseUrl}/v1`, OPENAI_API_KEY: apiKey }
  return {
    id: 'open-webui',
    name: 'Open WebUI',
    parts: [{ place: 'shell', text: [...exports(env), 'open-webui serve'].join('\n') }],
  }
}

function curl({ baseUrl, apiKey, model }: Target): Snippet {
  const body = JSON.stringify({
    model,
    max_tokens: 500,
    stream: true,
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  const lines = [
    `curl -N ${baseUrl}/v1/messages`,
    `-H ${quoted(`x-api-key: ${apiKey}`)}`,
    "-H 'content-type: application/json'",
    `-d ${quoted(body)}`,
  ]
  return { id: 'curl', name: 'curl', parts: [{ place: 'shell', text: lines.join(' \\\n  ') }] }
}

function python({ baseUrl, apiKey, model }: Target): Snippet {
  const openai = [
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${JSON.stringify(`${baseUrl}/v1`)}, api_key=${JSON.stringify(apiKey)})`,
    'answer = client.chat.completions.create(',
    `    model=${JSON.stringify(model)},`,
    '    messages=[{"role": "user", "content": "Hello!"}],',
    ')',
    'print(answer.choices[0].message.content)',
  ]
  const anthropic = [
    'from anthropic import Anthropic',
    '',
    `client = Anthropic(base_url=${JSON.stringify(baseUrl)}, api_key=${JSON.stringify(apiKey)})`,
    'with client.messages.stream(',
    `    model=${JSON.stringify(model)},`,
    '    max_tokens=1000,',
    '    messages=[{"role": "user", "content": "Hello!"}],',
    ') as stream:',
    '    for text in stream.text_stream:',
    '        print(text, end="", flush=True)',
  ]
  return {
    id: 'python',
    name: 'Python',
    parts: [
      { place: { file: 'openai' }, text: openai.join('\n') },
      { place: { file: 'anthropic' }, text: anthropic.join('\n') },
    ],
  }
}

function exports(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `export ${name}=${bare(value)}`)
}

/** As a shell reads it: quoted only where it has to be. */
function bare(text: string): string {
  return /^[\w.:/@%+=,…-]+$/.test(text) ? text : quoted(text)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

const PREFERRED = [/sonnet/, /opus/, /^auto$/]

/** The models to put into a set-up: of those that a key may use, a capable and a quick one. */
export function modelsToSuggest(models: readonly string[]): { model: string; smallModel: string } {
  const newest = [...models].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const matching = (pattern: RegExp) => newest.find((model) => pattern.test(model))
  const model = PREFERRED.map(matching).find(Boolean) ?? models[0] ?? 'claude-sonnet-4.5'
  return { model, smallModel: matching(/haiku/) ?? (models.length ? model : 'claude-haiku-4.5') }
}
