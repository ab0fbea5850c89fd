import type { Attempt, RequestDetail } from '@/api/types'

export type Step =
  | { kind: 'queue' | 'pause'; from: number; to: number }
  | { kind: 'passed' | 'failed' | 'asked'; from: number; to: number; attempt: Attempt }
  | { kind: 'answer'; from: number; to: number; whole: boolean; broken: boolean }

type Timed = Pick<
  RequestDetail,
  'attempts' | 'queued_ms' | 'first_token_ms' | 'duration_ms' | 'stream' | 'failed'
>

/** What happened during a request, in order; milliseconds since it came. */
export function timelineOf(request: Timed): Step[] {
  const { attempts, queued_ms, first_token_ms, duration_ms } = request
  const steps: Step[] = []
  const first = attempts[0]
  // Attempts are timed from when a place was free, unless the place was an account's.
  const shift = !first || first.started_ms < queued_ms ? queued_ms : 0
  if (queued_ms > 0) steps.push({ kind: 'queue', from: 0, to: queued_ms })
  for (const attempt of attempts) {
    const from = attempt.started_ms + shift
    const to = from + attempt.duration_ms
    if (attempt.waited_ms > 0) {
      steps.push({ kind: 'pause', from: Math.max(0, from - attempt.waited_ms), to: from })
    }
    const kind =
      attempt.outcome === 'answered' ? 'asked' : isPassedOver(attempt) ? 'passed' : 'failed'
    steps.push({ kind, from, to, attempt })
  }
  const answered = attempts.some(({ outcome }) => outcome === 'answered')
  if (answered && first_token_ms !== null) {
    const from = Math.min(first_token_ms + shift, duration_ms)
    steps.push({
      kind: 'answer',
      from,
      to: duration_ms,
      whole: !request.stream,
      broken: request.failed,
    })
  }
  return steps
}

/** An account that was not even asked: it takes no time and has no answer. */
function isPassedOver({ duration_ms, status, upstream_request_id }: Attempt): boolean {
  return duration_ms === 0 && status === null && upstream_request_id === null
}

/** Where a step is drawn, in percent of the whole; never so short that it cannot be seen. */
export function placeOf(step: Step, total: number): { left: number; width: number } {
  const whole = Math.max(total, 1)
  const left = Math.min(99.2, (step.from / whole) * 100)
  const width = Math.min(100 - left, Math.max(0.8, ((step.to - step.from) / whole) * 100))
  return { left, width }
}

/** Tokens of the answer per second while it came; null where that says nothing. */
export function speedOf(
  request: Pick<RequestDetail, 'output_tokens' | 'first_token_ms' | 'duration_ms' | 'queued_ms'>,
): number | null {
  const { output_tokens, first_token_ms, duration_ms, queued_ms } = request
  if (first_token_ms === null) return null
  const seconds = (duration_ms - queued_ms - first_token_ms) / 1000
  return seconds >= 0.2 && output_tokens >= 10 ? output_tokens / seconds : null
}
