import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { api, send } from '@/api/client'
import { hasRequests } from '@/api/first-run'

const MANY = 200 // keys to look through for one that can be used

export const keysQuery = queryOptions({
  queryKey: ['keys', 'to set up'],
  queryFn: async ({ signal }) => {
    const query = { limit: MANY, sort: '-created_at' }
    return (await send(api.GET('/admin/keys', { params: { query }, signal }))).keys
  },
})

export const requestedQuery = queryOptions({
  queryKey: ['requests', 'any'],
  queryFn: ({ signal }) => hasRequests(signal),
})

export function useCreateAccount() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => send(api.POST('/admin/accounts', { body: { name } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['accounts'] }),
  })
}

export function useCreateKey() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ name, account }: { name: string; account: string }) =>
      send(api.POST('/admin/keys', { body: { name, kiro_accounts: [account] } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
    // The answer holds the secret.
    gcTime: 0,
  })
}
