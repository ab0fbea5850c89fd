import { queryOptions } from '@tanstack/react-query'
import { api, send } from './client'

/** As many as anybody has; more are not offered for choosing, but may still be typed. */
const ALL = 1000

/** Every account, for choosing from. Tables ask for pages of their own. */
export const everyAccountQuery = queryOptions({
  queryKey: ['accounts', 'every'],
  queryFn: async ({ signal }) => {
    const query = { limit: ALL, sort: 'name' }
    const { accounts } = await send(api.GET('/admin/accounts', { params: { query }, signal }))
    return accounts
  },
})

/** The models of an account, as the service lists them; fails for one that is not signed in. */
export const modelsQuery = (account: string | null | undefined) =>
  queryOptions({
    queryKey: ['models', account],
    queryFn: async ({ signal }) => {
      const query = { account: account ?? '' }
      const { models } = await send(api.GET('/admin/kiro/models', { params: { query }, signal }))
      return models
    },
    enabled: !!account,
    staleTime: 5 * 60_000,
    retry: false,
  })
