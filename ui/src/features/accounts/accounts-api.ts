import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { everyAccountQuery } from '@/api/accounts'
import { api, send } from '@/api/client'
import type { AccountChange, NewAccount } from '@/api/types'

const LIVE = 10_000 // milliseconds
const DAY = 24 * 3_600_000

/** Every account with its health, up to this moment. */
export const liveAccountsQuery = queryOptions({ ...everyAccountQuery, refetchInterval: LIVE })

export const accountQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', 'one', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/accounts/{id}', { params: { path: { id } }, signal })),
    refetchInterval: LIVE,
  })

/** How an account is and how it was, the latest change first. */
export const healthQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', 'health', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/accounts/{id}/health', { params: { path: { id } }, signal })),
    refetchInterval: LIVE,
  })

/** What each account has served in the last 24 hours, by its id. */
export const recentUseQuery = queryOptions({
  queryKey: ['usage', { by: 'account', range: '24h' }],
  queryFn: async ({ signal }) => {
    const query = { group_by: 'account', from: new Date(Date.now() - DAY).toISOString() }
    const { usage } = await send(api.GET('/admin/usage', { params: { query }, signal }))
    return new Map(usage.map((sums) => [sums.account_id ?? '', sums]))
  },
  refetchInterval: 30_000,
})

/** As last heard; the service is asked only where nothing was heard yet. */
export const quotaQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', 'quota', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/kiro/usage-limits', { params: { query: { account: id } }, signal })),
    refetchInterval: 60_000,
    retry: false,
  })

/** How an account is signed in, and which addresses are used for it. */
export const signInQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', 'sign-in', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/kiro/status', { params: { query: { account: id } }, signal })),
    refetchInterval: 30_000,
  })

/** Asked of the service each time, so only where somebody chooses one. */
export const profilesQuery = (id: string) =>
  queryOptions({
    queryKey: ['accounts', 'profiles', id],
    queryFn: async ({ signal }) => {
      const query = { account: id }
      const answer = await send(api.GET('/admin/kiro/profiles', { params: { query }, signal }))
      return answer.profiles
    },
    staleTime: 60_000,
    retry: false,
  })

/** The API keys that may use an account, by name; `limit` of them. */
export const keysOfAccountQuery = (id: string, limit: number) =>
  queryOptions({
    queryKey: ['keys', 'of-account', id, limit],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/keys', { params: { query: { account: id, limit } }, signal })),
  })

export function useCreateAccount() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (account: NewAccount) => send(api.POST('/admin/accounts', { body: account })),
    onSuccess: () => refresh(client),
    // What was sent may hold a Kiro API key, which is to stay nowhere.
    gcTime: 0,
  })
}

export function useChangeAccount(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: AccountChange) =>
      send(api.PUT('/admin/accounts/{id}', { params: { path: { id } }, body: change })),
    // Keys show the names of their accounts.
    onSuccess: () => Promise.all([refresh(client), refresh(client, 'keys')]),
    gcTime: 0,
  })
}

export function useDeleteAccount(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (force: boolean) =>
      send(api.DELETE('/admin/accounts/{id}', { params: { path: { id }, query: { force } } })),
    // What is about the account itself must not be asked again: it is gone.
    onSuccess: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) =>
          (queryKey[0] === 'accounts' || queryKey[0] === 'keys') && !queryKey.includes(id),
      }),
  })
}

/** Renew the token now. */
export function useRenewToken(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => send(api.POST('/admin/kiro/refresh', { body: { account: id } })),
    // Also when it fails: the account's health has changed.
    onSettled: () => refresh(client),
  })
}

/** Ask the service for the quota. */
export function useRenewQuota(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => {
      const query = { account: id, refresh: true }
      return send(api.GET('/admin/kiro/usage-limits', { params: { query } }))
    },
    onSettled: () => refresh(client),
  })
}

/** Ask the service which models there are. */
export function useRenewModels(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => {
      const query = { account: id, refresh: true }
      return send(api.GET('/admin/kiro/models', { params: { query } }))
    },
    onSuccess: ({ models }) => client.setQueryData(['models', id], models),
  })
}

/** One live round trip; what the service refuses is a result, not an error. */
export function useTestAccount(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (model: string | null) =>
      send(
        api.POST('/admin/accounts/{id}/test', {
          params: { path: { id } },
          body: model ? { model } : {},
        }),
      ),
    onSettled: () => refresh(client),
  })
}

function refresh(client: QueryClient, noun: 'accounts' | 'keys' = 'accounts'): Promise<void> {
  return client.invalidateQueries({ queryKey: [noun] })
}
