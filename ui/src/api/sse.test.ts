import { expect, test } from 'vitest'
import { EventParser, eventsOf } from './sse'

const STREAM =
  ': hello\n\nevent: message_start\ndata: {"a": 1}\n\ndata: one\ndata:two\n\nevent: ping\n\n'
const EVENTS = [
  { event: 'message_start', data: '{"a": 1}' },
  { event: 'message', data: 'one\ntwo' },
]

test.each(['\n', '\r\n', '\r'])('line ends %j, in pieces of every size', (end) => {
  // With a lone \r the last one is only known to be whole when something follows.
  const text = STREAM.replaceAll('\n', end) + (end === '\r' ? ':' : '')
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventParser()
    const found = []
    for (let at = 0; at < text.length; at += size)
      found.push(...parser.feed(text.slice(at, at + size)))
    expect(found, `pieces of ${size}`).toEqual(EVENTS)
  }
})

test('an event that does not end is none', () => {
  expect(new EventParser().feed('event: x\ndata: half')).toEqual([])
})

test('letters of several bytes may be cut through', async () => {
  const bytes = new TextEncoder().encode('data: 你好\n\n')
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const found = []
  for await (const event of eventsOf(new Response(body))) found.push(event.data)
  expect(found).toEqual(['你好'])
})
