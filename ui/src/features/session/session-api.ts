import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { api, send } from '@/api/client'

/** `expired`: was signed in, and what is on the page is still there. */
export type Session = 'in' | 'out' | 'expired'

export type Credential = { admin_key: string } | { link: string }

/** Fails where the gateway cannot say: it is away, or does not answer to this address. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ client, signal }): Promise<Session> => {
    const { signed_in } = await send(api.GET('/admin/session', { signal }))
    const before = client.getQueryData<Session>(['session'])
    if (signed_in) return 'in'
    return before === undefined || before === 'out' ? 'out' : 'expired'
  },
  staleTime: Infinity,
  gcTime: Infinity,
  retry: false,
})

/** The gateway no longer knows the session: it ended, or there is another admin key. */
export function noteSignedOut(client: QueryClient): void {
  client.setQueryData(sessionQuery.queryKey, (session) =>
    session === undefined ? session : session === 'out' ? 'out' : 'expired',
  )
}

export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (credential: Credential) => send(api.POST('/admin/session', { body: credential })),
    // The key is to be nowhere once it has been used.
    gcTime: 0,
    onSuccess: async () => {
      client.setQueryData(sessionQuery.queryKey, 'in')
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
    },
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => send(api.DELETE('/admin/session')),
    onSuccess: () => {
      client.setQueryData(sessionQuery.queryKey, 'out')
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
    },
  })
}
