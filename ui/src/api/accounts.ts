import { queryOptions } from '@tanstack/react-query'
import { api, send } from './client'
import type { Account } from './types'

const PAGE = 1000 // rows, the most that the gateway gives at once

/** Every account, by name: nobody has so many that they could not all be here. */
export const everyAccountQuery = queryOptions({
  queryKey: ['accounts', 'every'],
  queryFn: async ({ signal }) => {
    const everyone: Account[] = []
    let cursor: string | undefined
    do {
      const query = { limit: PAGE, sort: 'name', cursor }
      const page = await send(api.GET('/admin/accounts', { params: { query }, signal }))
      everyone.push(...page.accounts)
      cursor = page.next_cursor ?? undefined
    } while (cursor)
    return everyone
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
