import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
} from '@tanstack/react-query'
import { api, send } from '@/api/client'
import { ApiError } from '@/api/errors'
import { queryOf, type RequestSearch } from './search'

/** Rows at first, and rows at a time for those who scroll. */
export const FIRST = 100
const MORE = 500

/** What is new comes by the live tail, so nothing of it grows old. */
export const requestsQuery = (search: RequestSearch) =>
  infiniteQueryOptions({
    queryKey: ['requests', 'list', search],
    queryFn: ({ pageParam, signal }) =>
      fetchRequests(search, pageParam === undefined ? FIRST : MORE, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  })

export function fetchRequests(
  search: RequestSearch,
  limit: number,
  cursor?: string,
  signal?: AbortSignal,
) {
  const query = {
    ...queryOf(search, Date.now()),
    limit,
    cursor,
    sort: search.sort ?? ('-created_at' as const),
  }
  return send(api.GET('/admin/requests', { params: { query }, signal }))
}

export const requestQuery = (id: string) =>
  queryOptions({
    queryKey: ['requests', 'one', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/requests/{id}', { params: { path: { id } }, signal })),
    // What has ended does not change; only its bodies go.
    staleTime: 60_000,
    // The log is up to a second behind: one that has just ended comes soon.
    retry: (count, error) => error instanceof ApiError && error.status === 404 && count < 2,
    retryDelay: 800,
  })

/** The models that anybody has used of late, for choosing from. */
export const usedModelsQuery = queryOptions({
  queryKey: ['usage', 'models'],
  queryFn: async ({ signal }) => {
    const query = { group_by: 'model' }
    const { usage } = await send(api.GET('/admin/usage', { params: { query }, signal }))
    return usage.map(({ model }) => model ?? '').filter(Boolean)
  },
  staleTime: 60_000,
})

export interface PreviewOrder {
  path: string
  account: string
  body: Record<string, unknown>
}

export function usePreview() {
  return useMutation({
    mutationFn: (order: PreviewOrder) => send(api.POST('/admin/preview', { body: order })),
    // It holds what people wrote.
    gcTime: 0,
  })
}
