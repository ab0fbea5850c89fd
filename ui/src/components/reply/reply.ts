import type { WireEvent } from './sse'

export type Dialect = 'anthropic' | 'openai'

export const PATHS: Record<Dialect, string> = {
  anthropic: '/v1/messages',
  openai: '/v1/chat/completions',
}

export function dialectOf(route: string): Dialect {
  return route === PATHS.openai ? 'openai' : 'anthropic'
}

export type Block =
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string; signature: string }
  | { kind: 'tool'; id: string; name: string; input: string }
  | { kind: 'other'; type: string; json: string }

/** An answer as far as it has come, in no dialect. */
export interface Reply {
  blocks: Block[]
  model: string | null
  stopReason: string | null
  inputTokens: number | null
  outputTokens: number | null
  error: ReplyError | null
  /** The answer said that this is all of it. */
  complete: boolean
}

export interface ReplyError {
  message: string
  type: string
  /** Whose limit or fault: `client`, `key`, `account`, `upstream` or `gateway`. */
  source: string | null
}

export function emptyReply(): Reply {
  return {
    blocks: [],
    model: null,
    stopReason: null,
    inputTokens: null,
    outputTokens: null,
    error: null,
    complete: false,
  }
}

type Json = Record<string, unknown>

/** Add an event of a stream to what has come so far. */
export function withEvent(reply: Reply, dialect: Dialect, { event, data }: WireEvent): Reply {
  if (event === ':') return reply
  if (data === '[DONE]') return { ...reply, complete: true }
  const json = objectOf(parsed(data))
  if (!json) return reply
  return dialect === 'anthropic' ? withAnthropic(reply, json) : withOpenAi(reply, json)
}

/** An answer that came in one piece. */
export function wholeReply(dialect: Dialect, text: string): Reply {
  const json = objectOf(parsed(text))
  if (!json) return { ...emptyReply(), error: notJson(text) }
  const error = errorOf(json)
  if (error) return { ...emptyReply(), error }
  return { ...(dialect === 'anthropic' ? wholeAnthropic(json) : wholeOpenAi(json)), complete: true }
}

/** The error of an answer above 399; proxies in between answer with pages of their own. */
export function errorReply(status: number, text: string): Reply {
  const json = objectOf(parsed(text))
  const error = (json && errorOf(json)) ?? notJson(text || `HTTP ${status}`)
  return { ...emptyReply(), error }
}

function withAnthropic(reply: Reply, json: Json): Reply {
  const index = numberOf(json['index']) ?? reply.blocks.length
  switch (json['type']) {
    case 'message_start': {
      const message = objectOf(json['message']) ?? {}
      return { ...withUsage(reply, message['usage']), model: textOf(message['model']) || null }
    }
    case 'content_block_start': {
      const blocks = [...reply.blocks]
      blocks[index] = anthropicBlock(objectOf(json['content_block']) ?? {}, true)
      return { ...reply, blocks }
    }
    case 'content_block_delta': {
      const block = reply.blocks[index]
      if (!block) return reply
      const blocks = [...reply.blocks]
      blocks[index] = withDelta(block, objectOf(json['delta']) ?? {})
      return { ...reply, blocks }
    }
    case 'message_delta': {
      const stop = textOf(objectOf(json['delta'])?.['stop_reason'])
      return { ...withUsage(reply, json['usage']), stopReason: stop || reply.stopReason }
    }
    case 'message_stop':
      return { ...reply, complete: true }
    case 'error':
      return { ...reply, error: errorOf(json) }
    default:
      return reply
  }
}

function anthropicBlock(block: Json, begins: boolean): Block {
  switch (block['type']) {
    case 'text':
      return { kind: 'text', text: textOf(block['text']) }
    case 'thinking':
      return {
        kind: 'thinking',
        text: textOf(block['thinking']),
        signature: textOf(block['signature']),
      }
    case 'tool_use':
      return {
        kind: 'tool',
        id: textOf(block['id']),
        name: textOf(block['name']),
        // In a stream the input follows, and stands here as an empty object.
        input: begins ? '' : JSON.stringify(block['input'] ?? {}),
      }
    default:
      return { kind: 'other', type: textOf(block['type']), json: JSON.stringify(block) }
  }
}

function withDelta(block: Block, delta: Json): Block {
  switch (delta['type']) {
    case 'text_delta':
      return block.kind === 'text' ? { ...block, text: block.text + textOf(delta['text']) } : block
    case 'thinking_delta':
      return block.kind === 'thinking'
        ? { ...block, text: block.text + textOf(delta['thinking']) }
        : block
    case 'signature_delta':
      return block.kind === 'thinking'
        ? { ...block, signature: block.signature + textOf(delta['signature']) }
        : block
    case 'input_json_delta':
      return block.kind === 'tool'
        ? { ...block, input: block.input + textOf(delta['partial_json']) }
        : block
    default:
      return block
  }
}

function wholeAnthropic(json: Json): Reply {
  const blocks = listOf(json['content']).map((block) => anthropicBlock(block, false))
  return {
    ...withUsage(emptyReply(), json['usage']),
    blocks,
    model: textOf(json['model']) || null,
    stopReason: textOf(json['stop_reason']) || null,
  }
}

function withOpenAi(reply: Reply, json: Json): Reply {
  const error = errorOf(json)
  if (error) return { ...reply, error }
  let next = withUsage(reply, json['usage'])
  next = { ...next, model: next.model ?? (textOf(json['model']) || null) }
  const choice = listOf(json['choices'])[0]
  if (!choice) return next
  const finish = textOf(choice['finish_reason'])
  if (finish) next = { ...next, stopReason: finish }
  return withMessage(next, objectOf(choice['delta']) ?? {})
}

/** A message of OpenAI, or a part of one: reasoning, then text, then calls. */
function withMessage(reply: Reply, message: Json): Reply {
  let blocks = reply.blocks
  const thought = textOf(message['reasoning_content'])
  if (thought) blocks = withText(blocks, 'thinking', thought)
  const text = textOf(message['content'])
  if (text) blocks = withText(blocks, 'text', text)
  for (const call of listOf(message['tool_calls'])) blocks = withCall(blocks, call)
  return { ...reply, blocks }
}

function withText(blocks: Block[], kind: 'text' | 'thinking', text: string): Block[] {
  const last = blocks.at(-1)
  if (last?.kind === kind) return [...blocks.slice(0, -1), { ...last, text: last.text + text }]
  return [...blocks, kind === 'text' ? { kind, text } : { kind, text, signature: '' }]
}

/** Calls are counted by themselves: the third is the third block that is one. */
function withCall(blocks: Block[], call: Json): Block[] {
  const tools = blocks.flatMap((block, place) => (block.kind === 'tool' ? [place] : []))
  const told = objectOf(call['function']) ?? {}
  const place = tools[numberOf(call['index']) ?? tools.length]
  const known = place === undefined ? undefined : blocks[place]
  const input = textOf(told['arguments'])
  if (place === undefined || known?.kind !== 'tool') {
    const name = textOf(told['name'])
    return [...blocks, { kind: 'tool', id: textOf(call['id']), name, input }]
  }
  const changed = [...blocks]
  changed[place] = { ...known, input: known.input + input }
  return changed
}

function wholeOpenAi(json: Json): Reply {
  const choice = listOf(json['choices'])[0] ?? {}
  const reply = {
    ...withUsage(emptyReply(), json['usage']),
    model: textOf(json['model']) || null,
    stopReason: textOf(choice['finish_reason']) || null,
  }
  return withMessage(reply, objectOf(choice['message']) ?? {})
}

function withUsage(reply: Reply, told: unknown): Reply {
  const usage = objectOf(told)
  if (!usage) return reply
  const cached =
    (numberOf(usage['cache_read_input_tokens']) ?? 0) +
    (numberOf(usage['cache_creation_input_tokens']) ?? 0)
  const input = numberOf(usage['input_tokens'])
  return {
    ...reply,
    inputTokens:
      (input === null ? numberOf(usage['prompt_tokens']) : input + cached) ?? reply.inputTokens,
    outputTokens:
      numberOf(usage['output_tokens']) ??
      numberOf(usage['completion_tokens']) ??
      reply.outputTokens,
  }
}

function errorOf(json: Json): ReplyError | null {
  const error = objectOf(json['error'])
  if (!error) return null
  return {
    message: textOf(error['message']),
    type: textOf(error['type']),
    source: textOf(error['source']) || null,
  }
}

function notJson(text: string): ReplyError {
  return { message: text.slice(0, 500), type: 'unknown', source: null }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : null
}

function listOf(value: unknown): Json[] {
  const list: unknown[] = Array.isArray(value) ? value : []
  return list.map(objectOf).filter((one) => one !== null)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
