import { describe, expect, test } from 'vitest'
import { emptyReply, errorReply, wholeReply, withEvent, type Dialect, type Reply } from './reply'
import { SseParser, type WireEvent } from './sse'

const follow = (dialect: Dialect, events: unknown[]): Reply =>
  events.reduce<Reply>(
    (reply, event) => withEvent(reply, dialect, { event: '', data: JSON.stringify(event) }),
    emptyReply(),
  )

describe('server-sent events', () => {
  const STREAM = ': ping\n\nevent: a\ndata: {"x":1}\n\ndata: one\r\ndata: two\n\nid: 7\n\n'
  const EVENTS: WireEvent[] = [
    { event: ':', data: 'ping' },
    { event: 'a', data: '{"x":1}' },
    { event: '', data: 'one\ntwo' },
  ]

  test.each([1, 2, 5, 1000])('are the same when cut into pieces of %d', (size) => {
    const parser = new SseParser()
    const found: WireEvent[] = []
    for (let at = 0; at < STREAM.length; at += size) {
      found.push(...parser.feed(STREAM.slice(at, at + size)))
    }
    expect(found).toEqual(EVENTS)
  })
})

describe('a stream of Anthropic', () => {
  const events = [
    {
      type: 'message_start',
      message: { model: 'm', usage: { input_tokens: 5, cache_read_input_tokens: 2 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's' } },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'lo' } },
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 't', name: 'add', input: {} },
    },
    {
      type: 'content_block_delta',
      index: 2,
      delta: { type: 'input_json_delta', partial_json: '{"a"' },
    },
    {
      type: 'content_block_delta',
      index: 2,
      delta: { type: 'input_json_delta', partial_json: ':1}' },
    },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ]

  test('becomes its blocks, figures and end', () => {
    expect(follow('anthropic', events)).toEqual({
      blocks: [
        { kind: 'thinking', text: 'Hm', signature: 's' },
        { kind: 'text', text: 'Hello' },
        { kind: 'tool', id: 't', name: 'add', input: '{"a":1}' },
      ],
      model: 'm',
      stopReason: 'tool_use',
      inputTokens: 7,
      outputTokens: 9,
      error: null,
      complete: true,
    })
  })

  test('keeps what came before an error', () => {
    const error = { type: 'error', error: { type: 'api_error', message: 'No.', source: 'account' } }
    const reply = follow('anthropic', [...events.slice(0, 6), error])
    expect(reply.blocks[1]).toEqual({ kind: 'text', text: 'Hel' })
    expect(reply.error).toEqual({ type: 'api_error', message: 'No.', source: 'account' })
    expect(reply.complete).toBe(false)
  })
})

describe('a stream of OpenAI', () => {
  const delta = (part: object, finish: string | null = null) => ({
    model: 'm',
    choices: [{ index: 0, delta: part, finish_reason: finish }],
  })

  test('becomes its blocks, figures and end', () => {
    const call = (index: number, part: object) => delta({ tool_calls: [{ index, ...part }] })
    const reply = follow('openai', [
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'Hm' }),
      delta({ content: 'Hel' }),
      delta({ content: 'lo' }),
      call(0, { id: 'a', function: { name: 'add', arguments: '' } }),
      call(0, { function: { arguments: '{"a":1}' } }),
      call(1, { id: 'b', function: { name: 'sub', arguments: '{}' } }),
      delta({}, 'tool_calls'),
      { model: 'm', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } },
    ])
    expect(withEvent(reply, 'openai', { event: '', data: '[DONE]' })).toEqual({
      blocks: [
        { kind: 'thinking', text: 'Hm', signature: '' },
        { kind: 'text', text: 'Hello' },
        { kind: 'tool', id: 'a', name: 'add', input: '{"a":1}' },
        { kind: 'tool', id: 'b', name: 'sub', input: '{}' },
      ],
      model: 'm',
      stopReason: 'tool_calls',
      inputTokens: 3,
      outputTokens: 4,
      error: null,
      complete: true,
    })
  })

  test('can break off', () => {
    const reply = follow('openai', [
      delta({ content: 'a' }),
      { error: { message: 'No.', type: 't' } },
    ])
    expect(reply.error).toEqual({ message: 'No.', type: 't', source: null })
  })
})

test.each<[Dialect, object]>([
  [
    'anthropic',
    {
      model: 'm',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'tool_use', id: 't', name: 'add', input: { a: 1 } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 2 },
    },
  ],
  [
    'openai',
    {
      model: 'm',
      choices: [
        {
          message: {
            content: 'Hi',
            tool_calls: [{ id: 't', function: { name: 'add', arguments: '{"a":1}' } }],
          },
          finish_reason: 'tool_use',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    },
  ],
])('an answer of %s in one piece reads as a stream does', (dialect, answer) => {
  expect(wholeReply(dialect, JSON.stringify(answer))).toEqual({
    blocks: [
      { kind: 'text', text: 'Hi' },
      { kind: 'tool', id: 't', name: 'add', input: '{"a":1}' },
    ],
    model: 'm',
    stopReason: 'tool_use',
    inputTokens: 1,
    outputTokens: 2,
    error: null,
    complete: true,
  })
})

test.each([
  ['{"type":"error","error":{"type":"a","message":"b","source":"key"}}', 'b', 'a', 'key'],
  ['{"error":{"message":"b","type":"a","code":null}}', 'b', 'a', null],
  ['<html>Bad gateway', '<html>Bad gateway', 'unknown', null],
  ['', 'HTTP 502', 'unknown', null],
])('of %s the error is told', (body, message, type, source) => {
  expect(errorReply(502, body).error).toEqual({ message, type, source })
})
