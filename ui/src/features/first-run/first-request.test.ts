import { expect, test } from 'vitest'
import { answerOf, heard, NO_ANSWER } from './first-request'

const sse = (...events: [string, object][]) =>
  new Response(
    events.map(([name, it]) => `event: ${name}\ndata: ${JSON.stringify(it)}\n\n`).join(''),
  )
const START: [string, object] = [
  'message_start',
  { message: { model: 'claude-sonnet-4.5', usage: { input_tokens: 12, output_tokens: 1 } } },
]
const text = (piece: string): [string, object] => [
  'content_block_delta',
  { delta: { type: 'text_delta', text: piece } },
]
const END: [string, object] = [
  'message_delta',
  { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
]

async function read(response: Response) {
  const seen = []
  for await (const answer of answerOf(response)) seen.push(answer)
  return seen
}

test('an answer grows as it arrives', async () => {
  const seen = await read(sse(START, ['ping', {}], text('Hel'), text('lo'), END))
  expect(seen.map((answer) => answer.text)).toEqual(['', '', 'Hel', 'Hello', 'Hello'])
  expect(seen.at(-1)).toEqual({
    text: 'Hello',
    thinking: '',
    model: 'claude-sonnet-4.5',
    inputTokens: 12,
    outputTokens: 7,
    stopReason: 'end_turn',
  })
})

test('thinking is kept apart', () => {
  const data = JSON.stringify({ delta: { type: 'thinking_delta', thinking: 'hm' } })
  const answer = heard(NO_ANSWER, { event: 'content_block_delta', data })
  expect([answer.text, answer.thinking]).toEqual(['', 'hm'])
})

test('an error in the middle ends it', async () => {
  const error = { error: { type: 'overloaded_error', message: 'Too much to do.' } }
  await expect(read(sse(START, text('a'), ['error', error]))).rejects.toThrow('Too much to do.')
})

test('an answer without an end is told', async () => {
  await expect(read(sse(START, text('a')))).rejects.toThrow('broke off')
})
