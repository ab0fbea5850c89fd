import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { api, send } from '@/api/client'
import { settingsQuery } from '@/api/settings'
import type { NotificationsChange, TestOrder } from '@/api/types'

export const versionQuery = queryOptions({
  queryKey: ['version'],
  queryFn: ({ signal }) => send(api.GET('/admin/version', { signal })),
  staleTime: 60_000,
})

/** Asks the release server, so only when somebody wants to know. */
export function useUpdateCheck() {
  return useMutation({
    mutationFn: () => send(api.GET('/admin/version', { params: { query: { check: true } } })),
  })
}

export const notificationsQuery = queryOptions({
  queryKey: ['notifications'],
  queryFn: ({ signal }) => send(api.GET('/admin/notifications', { signal })),
  refetchInterval: 15_000, // whether things arrive
})

export function useChangeNotifications() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: NotificationsChange) =>
      send(api.PUT('/admin/notifications', { body: change })),
    onSuccess: (saved) => {
      client.setQueryData(notificationsQuery.queryKey, saved)
      return client.invalidateQueries({ queryKey: settingsQuery.queryKey })
    },
    gcTime: 0, // URLs are secrets
  })
}

export function useTestChannel() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (order: TestOrder) => send(api.POST('/admin/notifications/test', { body: order })),
    onSuccess: () => client.invalidateQueries({ queryKey: notificationsQuery.queryKey }),
    gcTime: 0,
  })
}
