import { useEffect, useRef, useState } from 'react'
import type { ApiKey } from '@/api/types'
import { answerOf, ask, NO_ANSWER, requestBody, type Answer } from './first-request'

export interface Trial {
  phase: 'idle' | 'running' | 'done' | 'stopped' | 'failed'
  answer: Answer
  /** Milliseconds from the press of the button; null: not yet. */
  firstToken: number | null
  total: number | null
  requestId: string | null
  error: Error | null
}

const NOTHING: Trial = {
  phase: 'idle',
  answer: NO_ANSWER,
  firstToken: null,
  total: null,
  requestId: null,
  error: null,
}

/** One request at a time; leaving the page ends it, at the service too. */
export function useFirstRequest(onServed: () => void) {
  const [trial, setTrial] = useState(NOTHING)
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const start = async (key: ApiKey, secret: string | null, model: string, text: string) => {
    running.current?.abort()
    const control = new AbortController()
    running.current = control
    const began = performance.now()
    const passed = () => performance.now() - began
    const change = (part: Partial<Trial>) => {
      if (running.current === control) setTrial((now) => ({ ...now, ...part }))
    }
    setTrial({ ...NOTHING, phase: 'running' })
    try {
      const response = await ask(key, secret, requestBody(model, text), control.signal)
      change({ requestId: response.headers.get('request-id') })
      let firstToken: number | null = null
      for await (const answer of answerOf(response)) {
        if (answer.text || answer.thinking) firstToken ??= passed()
        change({ answer, firstToken })
      }
      change({ phase: 'done', total: passed() })
      onServed()
    } catch (error) {
      if (control.signal.aborted) change({ phase: 'stopped', total: passed() })
      else change({ phase: 'failed', total: passed(), error: error as Error })
    }
  }
  return { trial, start, stop: () => running.current?.abort() }
}
