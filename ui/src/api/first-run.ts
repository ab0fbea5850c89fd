import { queryOptions } from '@tanstack/react-query'
import { api, send } from './client'

const SKIPPED = 'kiro-gateway-set-up-skipped'

/** Whether the gateway has served a request for an API key, which is what it is for. */
export const inUseQuery = queryOptions({
  queryKey: ['first-run', 'in use'],
  queryFn: async ({ signal }) => {
    const query = { limit: 1, sort: '-last_used_at' }
    const { keys } = await send(api.GET('/admin/keys', { params: { query }, signal }))
    const [key] = keys
    if (!key) return false
    // Requests are forgotten after a while; that a key was used is not.
    return key.last_used_at !== null || (await hasRequests(signal))
  },
  staleTime: ({ state }) => (state.data ? Infinity : 10_000),
  retry: false,
})

export async function hasRequests(signal: AbortSignal): Promise<boolean> {
  const query = { limit: 1 }
  const { requests } = await send(api.GET('/admin/requests', { params: { query }, signal }))
  return requests.length > 0
}

/** Whoever has left the set-up is not led there again by itself. */
export function skipFirstRun(): void {
  localStorage.setItem(SKIPPED, 'yes')
}

export function firstRunSkipped(): boolean {
  return localStorage.getItem(SKIPPED) !== null
}
