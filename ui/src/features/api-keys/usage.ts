import type { UsageSums } from '@/api/types'
import type { Range } from '@/components/search'

const HOUR = 3_600_000 // milliseconds
const HOURS: Record<Range, number> = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24, '90d': 90 * 24 }

export type Measure = 'total_requests' | 'total_tokens' | 'credits'

/** Where a range begins, on a whole hour or day of UTC as rows are summed by, and its step. */
export function startOfRange(range: Range, now: number): { from: Date; period: 'hour' | 'day' } {
  const period = range === '24h' ? 'hour' : 'day'
  const step = stepOf(range)
  const from = Math.floor(now / step) * step - (HOURS[range] * HOUR - step)
  return { from: new Date(from), period }
}

function stepOf(range: Range): number {
  return range === '24h' ? HOUR : 24 * HOUR
}

export interface Timeline {
  /** Unix seconds, one for each step of the range, also where nothing happened. */
  times: number[]
  series: { label: string; values: number[] }[]
}

/** The rows as lines over time, one for each model, the most used one first. */
export function timelineOf(
  rows: readonly UsageSums[],
  measure: Measure,
  range: Range,
  now: number,
): Timeline {
  if (rows.length === 0) return { times: [], series: [] }
  const { from } = startOfRange(range, now)
  const step = stepOf(range)
  const times: number[] = []
  for (let time = from.getTime(); time <= now; time += step) times.push(time / 1000)
  const values = new Map<string, number[]>()
  for (const row of rows) {
    const place = Math.floor((Date.parse(row.period ?? '') - from.getTime()) / step)
    if (!(place >= 0 && place < times.length)) continue
    const line = values.get(row.model ?? '') ?? times.map(() => 0)
    line[place] = (line[place] ?? 0) + row[measure]
    values.set(row.model ?? '', line)
  }
  const sum = (line: number[]) => line.reduce((total, value) => total + value, 0)
  const series = [...values].map(([label, line]) => ({ label, values: line }))
  series.sort((a, b) => sum(b.values) - sum(a.values))
  return { times, series }
}

export type ModelSums = Pick<
  UsageSums,
  'total_requests' | 'errors' | 'input_tokens' | 'output_tokens' | 'total_tokens' | 'credits'
> & { model: string }

const SUMMED = [
  'total_requests',
  'errors',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'credits',
] as const

/** The same rows, summed by model: what the table below the chart shows, so that both agree. */
export function sumsByModel(rows: readonly UsageSums[]): ModelSums[] {
  const sums = new Map<string, ModelSums>()
  for (const row of rows) {
    const model = row.model ?? ''
    const sum = sums.get(model) ?? {
      model,
      total_requests: 0,
      errors: 0,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 0,
      credits: 0,
    }
    for (const member of SUMMED) sum[member] += row[member]
    sums.set(model, sum)
  }
  return [...sums.values()].sort((a, b) => b.total_requests - a.total_requests)
}
