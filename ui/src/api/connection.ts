/** Whether the gateway answers, as the last request found it. */
export type Connection = 'reached' | 'lost'

let state: Connection = 'reached'
const listeners = new Set<() => void>()

export function connection(): Connection {
  return state
}

export function noteConnection(next: Connection): void {
  if (next === state) return
  state = next
  for (const listener of listeners) listener()
}

export function onConnectionChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Ask whether the gateway is back; costs nobody anything and is not logged. */
export async function probe(): Promise<boolean> {
  try {
    const response = await fetch('/health', {
      cache: 'no-store',
      signal: AbortSignal.timeout(5000),
    })
    if (response.ok) noteConnection('reached')
    return response.ok
  } catch {
    return false
  }
}
