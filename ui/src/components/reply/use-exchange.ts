import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { reach } from '@/api/client'
import { errorOf } from '@/api/errors'
import { emptyReply, errorReply, wholeReply, withEvent, type Dialect, type Reply } from './reply'
import { SseParser, type WireEvent } from './sse'

/** An event and when it came, in milliseconds since the request was sent. */
export interface TimedEvent extends WireEvent {
  at: number
}

/** A request that the gateway plays as a client's, and what has come of it so far. */
export interface Exchange {
  running: boolean
  /** Null until there is an answer. */
  status: number | null
  /** The id under which it is in the request log. */
  requestId: string | null
  reply: Reply
  events: TimedEvent[]
  /** Milliseconds; null while they are not known. */
  firstToken: number | null
  duration: number | null
  stopped: boolean
}

interface Order {
  path: string
  body: unknown
  dialect: Dialect
}

const BEGUN: Exchange = {
  running: true,
  status: null,
  requestId: null,
  reply: emptyReply(),
  events: [],
  firstToken: null,
  duration: null,
  stopped: false,
}

/**
 * Sends a request and follows its answer, streamed or not. `send` gives how it ended; it throws
 * for what is no answer: the session is over, or nobody is there.
 */
export function useExchange() {
  const [exchange, setExchange] = useState<Exchange | null>(null)
  const abort = useRef<AbortController>(undefined)
  useEffect(() => () => abort.current?.abort(), [])

  const sending = useMutation({
    mutationFn: (order: Order) => {
      abort.current?.abort()
      const controller = new AbortController()
      abort.current = controller
      setExchange(BEGUN)
      return follow(order, controller.signal, setExchange)
    },
    onError: () => setExchange(null),
    gcTime: 0, // it holds what people wrote
  })
  return {
    exchange,
    error: sending.error,
    send: sending.mutateAsync,
    stop: () => abort.current?.abort(),
    clear: () => {
      abort.current?.abort()
      setExchange(null)
      sending.reset()
    },
  }
}

async function follow(
  { path, body, dialect }: Order,
  signal: AbortSignal,
  show: (exchange: Exchange) => void,
): Promise<Exchange> {
  const began = performance.now()
  const passed = () => Math.round(performance.now() - began)
  let now = BEGUN
  let drawing = 0
  const change = (part: Partial<Exchange>) => {
    now = { ...now, ...part }
    // Events come faster than they can be drawn.
    drawing ||= requestAnimationFrame(() => {
      drawing = 0
      if (now.running) show(now)
    })
  }
  const end = (part: Partial<Exchange>) => {
    now = { ...now, ...part, running: false, duration: passed() }
    show(now)
    return now
  }

  try {
    const headers = { 'content-type': 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify(body), signal }
    const response = await reach(new Request(new URL(path, window.location.origin), request))
    const { status } = response
    change({ status, requestId: response.headers.get('x-request-id') })
    if (status === 401) throw errorOf(await response.json().catch(() => null), response)
    if (!response.ok) return end({ reply: errorReply(status, await response.text()) })
    if (!response.headers.get('content-type')?.includes('event-stream') || !response.body) {
      const text = await response.text()
      const event = { event: '', data: text, at: passed() }
      return end({ reply: wholeReply(dialect, text), events: [event] })
    }
    const parser = new SseParser()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const at = passed()
      const news = parser.feed(value)
      const reply = news.reduce((so, event) => withEvent(so, dialect, event), now.reply)
      const begun = reply.blocks.length > 0 ? at : null
      const events = [...now.events, ...news.map((event) => ({ ...event, at }))]
      change({ reply, events, firstToken: now.firstToken ?? begun })
    }
    return end({})
  } catch (error) {
    if (signal.aborted) return end({ stopped: true })
    if (now.status === 200) {
      // It broke in the middle: what has come stays.
      const message = error instanceof Error ? error.message : String(error)
      return end({ reply: { ...now.reply, error: { message, type: 'connection', source: null } } })
    }
    throw error
  } finally {
    cancelAnimationFrame(drawing)
  }
}
