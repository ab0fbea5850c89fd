import type { RequestRow } from '@/api/types'
import type { Tone } from '@/components/status'

type Outcome = Pick<RequestRow, 'status' | 'failed' | 'error' | 'error_source'>

/** How a request went. The client's own doing is no alarm. */
export function toneOf({ status, failed, error, error_source }: Outcome): Tone {
  if (!failed) return 'ok'
  if (error === 'ClientDisconnected') return 'off'
  if (error_source === 'client' || error_source === 'key') return 'warn'
  return status < 500 && status >= 400 && error_source === null ? 'warn' : 'bad'
}
