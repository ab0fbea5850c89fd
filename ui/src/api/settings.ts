import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { api, send } from './client'

/** What is in force, and until when bodies are stored. */
export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => send(api.GET('/admin/settings', { signal })),
  staleTime: 0,
})

/** Store the bodies of requests for so many minutes; 0 stops it. */
export function useBodyCapture() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (minutes: number) =>
      send(api.PUT('/admin/settings/body-capture', { body: { minutes } })),
    onSuccess: ({ until }) => {
      client.setQueryData(settingsQuery.queryKey, (earlier) =>
        earlier ? { ...earlier, body_capture_until: until } : earlier,
      )
    },
  })
}
