import { PATHS, type Block, type Dialect, type Reply } from '@/components/reply/reply'
import type { Exchange } from '@/components/reply/use-exchange'

export interface Picture {
  name: string
  /** image/png and so on. */
  type: string
  /** base64 */
  data: string
}

/** What a tool answers, as somebody typed it. */
export interface ToolAnswer {
  id: string
  name: string
  text: string
}

export interface UserTurn {
  role: 'user'
  text: string
  pictures: Picture[]
  answers: ToolAnswer[]
}

export interface AssistantTurn {
  role: 'assistant'
  exchange: Exchange
}

export type Turn = UserTurn | AssistantTurn

export const EFFORTS = ['off', 'low', 'medium', 'high'] as const
export type Effort = (typeof EFFORTS)[number]

const BUDGETS: Record<Exclude<Effort, 'off'>, number> = { low: 1024, medium: 4096, high: 16_384 }

export interface Options {
  dialect: Dialect
  model: string
  system: string
  /** A JSON list of tools, in either dialect; empty: none. */
  tools: string
  thinking: Effort
  maxTokens: number
  stream: boolean
}

type Json = Record<string, unknown>

/** The request that a client would send for a conversation. `options.tools` has to be a list. */
export function bodyOf(turns: readonly Turn[], options: Options): Json {
  const { dialect, model, system, thinking, maxTokens, stream } = options
  const tools = toolsOf(options.tools).map((tool) => toolFor(dialect, tool))
  const messages = turns.flatMap((turn) =>
    dialect === 'anthropic' ? anthropicMessage(turn) : openAiMessages(turn),
  )
  const common = { model, stream, ...(tools.length > 0 ? { tools } : {}) }
  if (dialect === 'anthropic') {
    const budget = thinking === 'off' ? 0 : BUDGETS[thinking]
    return {
      ...common,
      // The budget is a part of it, and has to leave something for the answer.
      max_tokens: maxTokens + budget,
      ...(budget ? { thinking: { type: 'enabled', budget_tokens: budget } } : {}),
      ...(system.trim() ? { system: system.trim() } : {}),
      messages,
    }
  }
  const first = system.trim() ? [{ role: 'system', content: system.trim() }] : []
  return {
    ...common,
    max_completion_tokens: maxTokens,
    ...(thinking === 'off' ? {} : { reasoning_effort: thinking }),
    ...(stream ? { stream_options: { include_usage: true } } : {}),
    messages: [...first, ...messages],
  }
}

function anthropicMessage(turn: Turn): Json[] {
  if (turn.role === 'assistant') {
    const content = turn.exchange.reply.blocks.flatMap(anthropicBlock)
    return content.length > 0 ? [{ role: 'assistant', content }] : []
  }
  const content: Json[] = [
    ...turn.answers.map(({ id, text }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: text,
    })),
    ...turn.pictures.map(({ type, data }) => ({
      type: 'image',
      source: { type: 'base64', media_type: type, data },
    })),
  ]
  if (content.length === 0) return [{ role: 'user', content: turn.text }]
  if (turn.text) content.push({ type: 'text', text: turn.text })
  return [{ role: 'user', content }]
}

function anthropicBlock(block: Block): Json[] {
  switch (block.kind) {
    case 'text':
      return block.text ? [{ type: 'text', text: block.text }] : []
    case 'thinking':
      // Without its signature it would be refused.
      if (!block.signature) return []
      return [{ type: 'thinking', thinking: block.text, signature: block.signature }]
    case 'tool':
      return [{ type: 'tool_use', id: block.id, name: block.name, input: inputOf(block.input) }]
    case 'other':
      return [JSON.parse(block.json) as Json]
  }
}

function openAiMessages(turn: Turn): Json[] {
  if (turn.role === 'assistant') {
    const { blocks } = turn.exchange.reply
    if (blocks.length === 0) return []
    const text = blocks.map((block) => (block.kind === 'text' ? block.text : '')).join('')
    const calls = callsOf(turn.exchange.reply).map(({ id, name, input }) => ({
      id,
      type: 'function',
      function: { name, arguments: input || '{}' },
    }))
    return [
      {
        role: 'assistant',
        content: text || null,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
    ]
  }
  const answers = turn.answers.map(({ id, text }) => ({
    role: 'tool',
    tool_call_id: id,
    content: text,
  }))
  if (!turn.text && turn.pictures.length === 0) return answers
  const pictures = turn.pictures.map(({ type, data }) => ({
    type: 'image_url',
    image_url: { url: `data:${type};base64,${data}` },
  }))
  const content =
    pictures.length === 0 ? turn.text : [...pictures, { type: 'text', text: turn.text }]
  return [...answers, { role: 'user', content }]
}

/** The calls of tools in an answer, each of which wants a result. */
export function callsOf(reply: Reply): Extract<Block, { kind: 'tool' }>[] {
  return reply.blocks.filter((block) => block.kind === 'tool')
}

function inputOf(text: string): unknown {
  try {
    return JSON.parse(text || '{}')
  } catch {
    return {}
  }
}

/**
 * The tools that somebody wrote down.
 *
 * Throws: SyntaxError, for what is no JSON; TypeError, for what is no list of objects.
 */
export function toolsOf(text: string): Json[] {
  if (!text.trim()) return []
  const read: unknown = JSON.parse(text)
  const list: unknown[] = Array.isArray(read) ? read : [read]
  if (list.some((tool) => typeof tool !== 'object' || tool === null || Array.isArray(tool))) {
    throw new TypeError('no list of objects')
  }
  return list as Json[]
}

/** A tool in the words of a dialect; one of a kind that only its own dialect knows stays. */
function toolFor(dialect: Dialect, tool: Json): Json {
  const described = tool['function'] as Json | undefined
  if (dialect === 'openai' && 'name' in tool && !('function' in tool) && 'input_schema' in tool) {
    const { name, description, input_schema: parameters } = tool
    return { type: 'function', function: { name, description, parameters } }
  }
  if (dialect === 'anthropic' && described) {
    const { name, description, parameters } = described
    return { name, description, input_schema: parameters ?? { type: 'object' } }
  }
  return tool
}

export const EXAMPLE_TOOL = JSON.stringify(
  [
    {
      name: 'get_weather',
      description: 'The weather at a place.',
      input_schema: {
        type: 'object',
        properties: { place: { type: 'string' } },
        required: ['place'],
      },
    },
  ],
  null,
  2,
)

interface CurlOptions {
  baseUrl: string
  dialect: Dialect
  account: string | null
  body: Json
  apiKey: string
}

/** The same request for a terminal. */
export function curlOf({ baseUrl, dialect, account, body, apiKey }: CurlOptions): string {
  const path = (account ? `/a/${encodeURIComponent(account)}` : '') + PATHS[dialect]
  const header =
    dialect === 'anthropic' ? `x-api-key: ${apiKey}` : `Authorization: Bearer ${apiKey}`
  const json = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`)
  return [
    `curl -N ${baseUrl}${path}`,
    `  -H '${header}'`,
    `  -H 'content-type: application/json'`,
    `  -d '${json}'`,
  ].join(' \\\n')
}
