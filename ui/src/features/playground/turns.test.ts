import { expect, test } from 'vitest'
import { emptyReply, type Block } from '@/components/reply/reply'
import type { Exchange } from '@/components/reply/use-exchange'
import { bodyOf, curlOf, EXAMPLE_TOOL, toolsOf, type Options, type Turn } from './turns'

const OPTIONS: Options = {
  dialect: 'anthropic',
  model: 'auto',
  system: '',
  tools: '',
  thinking: 'off',
  maxTokens: 1000,
  stream: true,
}
const user = (text: string, more: object = {}): Turn => ({
  role: 'user',
  text,
  pictures: [],
  answers: [],
  ...more,
})
const assistant = (...blocks: Block[]): Turn => ({
  role: 'assistant',
  exchange: { reply: { ...emptyReply(), blocks } } as Exchange,
})
const CONVERSATION: Turn[] = [
  user('Weather?', { pictures: [{ name: 'a.png', type: 'image/png', data: 'AAAA' }] }),
  assistant(
    { kind: 'thinking', text: 'Hm', signature: 's' },
    { kind: 'text', text: 'I look.' },
    { kind: 'tool', id: 't1', name: 'get_weather', input: '{"place":"Rome"}' },
  ),
  user('And then?', { answers: [{ id: 't1', name: 'get_weather', text: 'Sunny' }] }),
]

test('a conversation as Anthropic has it', () => {
  expect(bodyOf(CONVERSATION, { ...OPTIONS, system: ' Be brief. ', thinking: 'low' })).toEqual({
    model: 'auto',
    stream: true,
    max_tokens: 2024,
    thinking: { type: 'enabled', budget_tokens: 1024 },
    system: 'Be brief.',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          { type: 'text', text: 'Weather?' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 's' },
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 't1', name: 'get_weather', input: { place: 'Rome' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: 'Sunny' },
          { type: 'text', text: 'And then?' },
        ],
      },
    ],
  })
})

test('the same as OpenAI has it', () => {
  const options: Options = { ...OPTIONS, dialect: 'openai', system: 'Be brief.', thinking: 'high' }
  expect(bodyOf(CONVERSATION, options)).toEqual({
    model: 'auto',
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 1000,
    reasoning_effort: 'high',
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'text', text: 'Weather?' },
        ],
      },
      {
        role: 'assistant',
        content: 'I look.',
        tool_calls: [
          {
            id: 't1',
            type: 'function',
            function: { name: 'get_weather', arguments: '{"place":"Rome"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 't1', content: 'Sunny' },
      { role: 'user', content: 'And then?' },
    ],
  })
})

test('an answer that never came is no part of the conversation', () => {
  const turns = [user('Hello'), assistant(), user('Again')]
  expect(bodyOf(turns, OPTIONS)['messages']).toEqual([
    { role: 'user', content: 'Hello' },
    { role: 'user', content: 'Again' },
  ])
})

test('tools are understood in both dialects and sent in the chosen one', () => {
  const theirs = JSON.stringify([
    { type: 'function', function: { name: 'f', parameters: { type: 'object' } } },
  ])
  expect(bodyOf([], { ...OPTIONS, tools: theirs })['tools']).toEqual([
    { name: 'f', input_schema: { type: 'object' } },
  ])
  const ours = bodyOf([], { ...OPTIONS, dialect: 'openai', tools: EXAMPLE_TOOL })['tools']
  expect(ours).toMatchObject([{ type: 'function', function: { name: 'get_weather' } }])
  const search = '[{"type":"web_search_20250305","name":"web_search"}]'
  expect(bodyOf([], { ...OPTIONS, tools: search })['tools']).toEqual(JSON.parse(search))
})

test.each(['{', '[1]', '"text"'])('%s is no list of tools', (text) => {
  expect(() => toolsOf(text)).toThrow()
})

test('a command for a terminal quotes what a shell would take apart', () => {
  const body = { messages: [{ role: 'user', content: "It's" }] }
  const common = { baseUrl: 'http://gw:8080', body, apiKey: 'sk' }
  const command = curlOf({ ...common, dialect: 'anthropic', account: 'my work' })
  expect(command).toContain('http://gw:8080/a/my%20work/v1/messages')
  expect(command).toContain("-H 'x-api-key: sk'")
  expect(command).toContain(`"It'\\''s"`)
  const other = curlOf({ ...common, dialect: 'openai', account: null })
  expect(other).toContain("-H 'Authorization: Bearer sk'")
  expect(other).toContain('http://gw:8080/v1/chat/completions')
})
