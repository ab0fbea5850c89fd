import type { UsageSums } from '@/api/types'
import { addRow, measureOf, noSums, type Measure, type Sums } from './sums'
import { STEP_LENGTH, stepsOf, type TimeWindow } from './time-window'

export interface Timeline {
  /** Unix seconds, one for each step of the window, also where nothing happened. */
  times: number[]
  series: { label: string; values: (number | null)[] }[]
}

interface TimelineOptions {
  measure: Measure
  /** Up to when, in milliseconds; later rows count too. */
  now: number
  /** The id of the line that a row belongs to; one line for all when left out. */
  lineOf?: (row: UsageSums) => string
  /** What a line is called. */
  labelOf?: (line: string) => string
  /** More lines than that are drawn together, as `others`. */
  most?: number
  others?: string
}

const OTHERS = '\0others' // no id of anything

interface Line {
  id: string
  steps: (Sums | undefined)[]
  all: Sums
}

/** Rows that are told apart by time as lines over it, the most used one first. */
export function timelineOf(
  rows: readonly UsageSums[],
  window: TimeWindow,
  {
    measure,
    now,
    lineOf = () => '',
    labelOf = (line) => line,
    most = 7,
    others = '',
  }: TimelineOptions,
): Timeline {
  if (rows.length === 0) return { times: [], series: [] }
  const length = STEP_LENGTH[window.step]
  const begun = rows.map(({ period }) => Date.parse(period ?? ''))
  const times = stepsOf(window, Math.max(now, ...lastOf(begun)))
  const first = times[0] ?? 0
  const lines = new Map<string, Line>()
  rows.forEach((row, index) => {
    const id = lineOf(row)
    const line = lines.get(id) ?? { id, steps: [], all: noSums() }
    add(line, Math.round(((begun[index] ?? first) - first) / length), row)
    lines.set(id, line)
  })
  const weight = (line: Line) =>
    measure === 'first_token' ? line.all.total_requests : (measureOf(line.all, measure) ?? 0)
  const sorted = [...lines.values()].sort((a, b) => weight(b) - weight(a))
  const shown = sorted.length > most ? sorted.slice(0, most - 1) : sorted
  const rest = new Set(sorted.slice(shown.length).map(({ id }) => id))
  if (rest.size > 0) {
    const together: Line = { id: OTHERS, steps: [], all: noSums() }
    rows.forEach((row, index) => {
      if (!rest.has(lineOf(row))) return
      add(together, Math.round(((begun[index] ?? first) - first) / length), row)
    })
    shown.push(together)
  }
  const nothing = measure === 'first_token' ? null : 0
  return {
    times: times.map((time) => time / 1000),
    series: shown.map(({ id, steps }) => ({
      label: id === OTHERS ? others : labelOf(id),
      values: times.map((_, place) => {
        const sums = steps[place]
        return sums ? measureOf(sums, measure) : nothing
      }),
    })),
  }
}

/** The same rows as one sum for each step, for several charts of one answer. */
export function sumsOverTime(
  rows: readonly UsageSums[],
  window: TimeWindow,
  now: number,
): { times: number[]; sums: Sums[] } {
  if (rows.length === 0) return { times: [], sums: [] }
  const length = STEP_LENGTH[window.step]
  const begun = rows.map(({ period }) => Date.parse(period ?? ''))
  const times = stepsOf(window, Math.max(now, ...lastOf(begun)))
  const sums = times.map(noSums)
  rows.forEach((row, index) => {
    const step = sums[Math.round(((begun[index] ?? 0) - (times[0] ?? 0)) / length)]
    if (step) addRow(step, row)
  })
  return { times: times.map((time) => time / 1000), sums }
}

function add(line: Line, place: number, row: UsageSums): void {
  const sums = (line.steps[place] ??= noSums())
  addRow(sums, row)
  addRow(line.all, row)
}

/** Rows come with the oldest first, thousands of them: no spreading. */
function lastOf(times: readonly number[]): number[] {
  const last = times.at(-1)
  return last === undefined ? [] : [last]
}
