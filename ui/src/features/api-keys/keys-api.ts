import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
  type QueryClient,
} from '@tanstack/react-query'
import { api, send } from '@/api/client'
import type { ApiKeyChange, NewApiKey } from '@/api/types'
import type { ListSearch } from '@/components/search'

const PAGE = 200 // rows
const LIVE = 5000 // milliseconds

export const keysQuery = ({ q, sort }: ListSearch) =>
  infiniteQueryOptions({
    queryKey: ['keys', 'list', { q, sort }],
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: PAGE, q, sort, cursor: pageParam }
      return send(api.GET('/admin/keys', { params: { query }, signal }))
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })

export const keyQuery = (id: string) =>
  queryOptions({
    queryKey: ['keys', 'one', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/keys/{id}', { params: { path: { id } }, signal })),
  })

/** How a key's limits stand and what it has used, up to this moment. */
export const standingQuery = (id: string) =>
  queryOptions({
    queryKey: ['keys', 'standing', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/keys/{id}/usage', { params: { path: { id } }, signal })),
    refetchInterval: LIVE,
  })

export function useCreateKey() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (key: NewApiKey) => send(api.POST('/admin/keys', { body: key })),
    onSuccess: () => refresh(client),
    // The answer holds a secret, which is to stay nowhere.
    gcTime: 0,
  })
}

export function useChangeKey(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: ApiKeyChange) =>
      send(api.PUT('/admin/keys/{id}', { params: { path: { id } }, body: change })),
    onSuccess: () => refresh(client),
  })
}

export function useRotateKey(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (seconds: number) =>
      send(
        api.POST('/admin/keys/{id}/rotate', {
          params: { path: { id } },
          body: { overlap_seconds: seconds },
        }),
      ),
    onSuccess: () => refresh(client),
    gcTime: 0,
  })
}

export function useDeleteKey(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => send(api.DELETE('/admin/keys/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      client.removeQueries({ queryKey: ['keys', 'one', id] })
      client.removeQueries({ queryKey: ['keys', 'standing', id] })
      await client.invalidateQueries({ queryKey: ['keys', 'list'] })
    },
  })
}

function refresh(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: ['keys'] })
}
