import { queryOptions } from '@tanstack/react-query'
import { api, send } from './client'

/** As many as anybody has; more are not offered for choosing. */
const ALL = 1000

/** Every API key, for choosing from. Tables ask for pages of their own. */
export const everyKeyQuery = queryOptions({
  queryKey: ['keys', 'every'],
  queryFn: async ({ signal }) => {
    const query = { limit: ALL, sort: 'name' }
    const { keys } = await send(api.GET('/admin/keys', { params: { query }, signal }))
    return keys
  },
})
