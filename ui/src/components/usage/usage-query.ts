import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, send } from '@/api/client'
import { errorOf } from '@/api/errors'
import type { UsageSums } from '@/api/types'
import { windowOf, type Step, type TimeWindow, type When } from './time-window'

export const DIMENSIONS = ['key', 'account', 'model', 'source'] as const
export type Dimension = (typeof DIMENSIONS)[number]

/** What to sum up. Ids of keys and accounts, names of models; nothing chosen is no restriction. */
export interface UsageQuestion {
  when: When
  by: readonly Dimension[]
  /** Whether rows are told apart by time too. */
  overTime: boolean
  /** What time is counted by; what fits the window when left out. */
  step?: Step
  keys?: readonly string[]
  accounts?: readonly string[]
  models?: readonly string[]
}

export interface Usage {
  question: UsageQuestion
  window: TimeWindow
  rows: UsageSums[]
  /** When it was asked for, in milliseconds. */
  at: number
}

const LIVE: Record<Step, number> = { minute: 5000, hour: 15_000, day: 30_000 } // milliseconds

/** Sums, with the window of time that they are of; asked for again and again while that goes on. */
export const usageQuery = (question: UsageQuestion) =>
  queryOptions({
    queryKey: ['usage', question],
    queryFn: async ({ signal }): Promise<Usage> => {
      const at = Date.now()
      const { window, query } = asked(question, at)
      const { usage } = await send(api.GET('/admin/usage', { params: { query }, signal }))
      return { question, window, rows: usage, at }
    },
    refetchInterval: ({ state }) => {
      const { to, step } = state.data?.window ?? windowOf(question.when, Date.now())
      return to !== null && to < Date.now() ? false : LIVE[step]
    },
    placeholderData: keepPreviousData,
  })

/** The same sums as a file for spreadsheets. */
export async function usageFile(question: UsageQuestion): Promise<Blob> {
  const { query } = asked(question, Date.now())
  const headers = { accept: 'text/csv' }
  const { data, error, response } = await api.GET('/admin/usage', {
    params: { query },
    headers,
    parseAs: 'blob',
  })
  if (!data) throw errorOf(error, response)
  return data
}

function asked({ when, by, overTime, step, ...chosen }: UsageQuestion, now: number) {
  const window = windowOf(when, now, step)
  const query = {
    group_by: [...by, ...(overTime ? [window.step] : [])].join(','),
    from: new Date(window.from).toISOString(),
    to: window.to === null ? undefined : new Date(window.to).toISOString(),
    key_id: chosen.keys?.join(',') || undefined,
    account: chosen.accounts?.join(',') || undefined,
    model: chosen.models?.join(',') || undefined,
  }
  return { window, query }
}
