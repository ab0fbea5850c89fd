import { reach } from '@/api/client'
import { ApiError, errorOf } from '@/api/errors'
import { eventsOf, type ServerEvent } from '@/api/sse'
import type { ApiKey } from '@/api/types'

export interface Answer {
  text: string
  thinking: string
  /** As the answer names it. */
  model: string | null
  inputTokens: number | null
  outputTokens: number | null
  stopReason: string | null
}

export const NO_ANSWER: Answer = {
  text: '',
  thinking: '',
  model: null,
  inputTokens: null,
  outputTokens: null,
  stopReason: null,
}

/** What a client would send: one message, the answer streamed. */
export function requestBody(model: string, text: string) {
  return { model, max_tokens: 1024, stream: true, messages: [{ role: 'user', content: text }] }
}

/**
 * Asks as a client would, with the key's secret; without it (it is shown once) in the key's name.
 * Throws ApiError when the answer is none.
 */
export async function ask(
  key: ApiKey,
  secret: string | null,
  body: ReturnType<typeof requestBody>,
  signal: AbortSignal,
): Promise<Response> {
  const json = { 'content-type': 'application/json' }
  const request = secret
    ? new Request('/v1/messages', {
        method: 'POST',
        headers: { ...json, 'x-api-key': secret },
        body: JSON.stringify(body),
        signal,
      })
    : new Request('/admin/playground', {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ key_id: key.id, path: '/v1/messages', body }),
        signal,
      })
  const response = await reach(request)
  if (!response.ok) throw errorOf(await response.json().catch(() => null), response)
  return response
}

/** The answer as far as it has come, each time there is more of it. Throws what it ends with. */
export async function* answerOf(response: Response): AsyncGenerator<Answer> {
  let answer = NO_ANSWER
  for await (const event of eventsOf(response)) {
    answer = heard(answer, event)
    yield answer
  }
  if (answer.stopReason === null) {
    throw new ApiError('The answer broke off before its end.', response.status, 'cut_off')
  }
}

interface Wire {
  message?: { model?: string; usage?: Usage }
  delta?: { type?: string; text?: string; thinking?: string; stop_reason?: string }
  usage?: Usage
  error?: { type: string; message: string }
}

interface Usage {
  input_tokens?: number
  output_tokens?: number
}

/** An event of the Messages API, added to what was heard before. */
export function heard(answer: Answer, { event, data }: ServerEvent): Answer {
  const wire = JSON.parse(data) as Wire
  switch (event) {
    case 'message_start':
      return withUsage({ ...answer, model: wire.message?.model ?? null }, wire.message?.usage)
    case 'content_block_delta':
      return {
        ...answer,
        text: answer.text + (wire.delta?.text ?? ''),
        thinking: answer.thinking + (wire.delta?.thinking ?? ''),
      }
    case 'message_delta':
      return withUsage(
        { ...answer, stopReason: wire.delta?.stop_reason ?? answer.stopReason },
        wire.usage,
      )
    case 'error':
      throw new ApiError(wire.error?.message ?? data, 200, wire.error?.type ?? 'unknown')
    default:
      return answer
  }
}

function withUsage(answer: Answer, usage: Usage | undefined): Answer {
  return {
    ...answer,
    inputTokens: usage?.input_tokens ?? answer.inputTokens,
    outputTokens: usage?.output_tokens ?? answer.outputTokens,
  }
}
