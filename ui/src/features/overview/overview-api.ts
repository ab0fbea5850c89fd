import { queryOptions } from '@tanstack/react-query'
import { everyAccountQuery } from '@/api/accounts'
import { api, send } from '@/api/client'
import type { Range } from '@/components/search'
import { usageQuery, type Dimension } from '@/components/usage/usage-query'

const LIVE = 10_000 // milliseconds

/** What somebody should look at, as the gateway sees it. */
export const attentionQuery = queryOptions({
  queryKey: ['attention'],
  queryFn: async ({ signal }) => {
    const { concerns } = await send(api.GET('/admin/attention', { signal }))
    return concerns
  },
  refetchInterval: LIVE,
})

/** The accounts with their health and the quota that was heard of last. */
export const liveAccountsQuery = queryOptions({ ...everyAccountQuery, refetchInterval: LIVE })

/** What was used over time; with a dimension, by whom. Both are of the same window. */
export function trafficQuery(range: Range, by?: Dimension) {
  return usageQuery({
    when: { range },
    by: by ? [by] : [],
    // Seven bars would say little of a week.
    step: range === '7d' ? 'hour' : undefined,
    overTime: !by,
  })
}
