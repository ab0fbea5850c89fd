import { useComputedColorScheme, VisuallyHidden } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useFormat } from '../format'
import { lineColour } from './palette'
import classes from './chart.module.css'

export interface Series {
  label: string
  /** One for each time; null where there is none. */
  values: (number | null)[]
}

export interface PlotProps {
  /** What is drawn: "Requests per hour". */
  label: string
  /** When each value was, in Unix seconds, ascending. */
  times: number[]
  series: Series[]
  /** How a value is written; thousands are shortened on the axis otherwise. */
  write?: (value: number) => string
  /** Bars for what is counted in a time, lines for what goes up and down. */
  kind?: 'bars' | 'line'
  /** One on top of the other, for parts of a whole. */
  stacked?: boolean
  /** Whole days of UTC, as the gateway sums them; their hour says nothing. */
  daily?: boolean
  height?: number
}

const { paths } = uPlot
/** 1, 2, 5, 10, 20 … */
const WHOLE = Array.from({ length: 15 }, (_, power) =>
  [1, 2, 5].map((one) => one * 10 ** power),
).flat()

export function Plot(props: PlotProps) {
  const { label, times, series, kind = 'bars', stacked, daily, height = 220 } = props
  const format = useFormat()
  const write = props.write ?? format.compact
  const writeExactly = props.write ?? format.number
  const counted = props.write === undefined
  const scheme = useComputedColorScheme('light')
  const { ref, width } = useElementSize()
  const canvas = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<number | null>(null)

  const step = times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : 3600
  const layers = useMemo(() => (stacked ? stack(series) : asTheyAre(series)), [series, stacked])
  const data = useMemo<uPlot.AlignedData>(
    () => [times, ...layers.map(({ values }) => values)],
    [times, layers],
  )
  useEffect(() => {
    if (!canvas.current || width === 0) return
    const ink = scheme === 'dark' ? '#aab3c0' : '#4a5463'
    const grid = { stroke: scheme === 'dark' ? '#28303b' : '#e5e8ed', width: 1 }
    const font = '11px system-ui, sans-serif'
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false }, points: { show: kind === 'line' } },
        hooks: { setCursor: [(self) => setAt(self.cursor.idx ?? null)] },
        padding: [8, 8, 0, 0],
        scales: {
          x: { time: true, range: kind === 'bars' ? withRoom(step) : undefined },
          y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
        },
        axes: [
          {
            stroke: ink,
            font,
            grid: { show: false },
            ticks: { show: false },
            size: 28,
            space: 70,
            splits: daily ? dayTicks : undefined,
            values: dates(format, daily),
          },
          {
            stroke: ink,
            font,
            grid,
            ticks: { show: false },
            size: 56,
            // What is counted has no halves.
            incrs: counted ? WHOLE : undefined,
            values: (_, splits) => splits.map((split) => write(split)),
          },
        ],
        series: [
          {},
          ...layers.map(({ place, values }) => {
            const colour = lineColour(place, scheme)
            return {
              stroke: colour,
              width: kind === 'bars' ? 0 : 1.75,
              fill:
                kind === 'bars'
                  ? colour
                  : layers.length === 1 || stacked
                    ? `${colour}22`
                    : undefined,
              paths: kind === 'bars' ? paths.bars?.({ size: [0.72, 42], radius: 0.12 }) : undefined,
              points: { show: kind === 'line' && hasLoner(values), size: 6, fill: colour },
            }
          }),
        ],
      },
      data,
      canvas.current,
    )
    return () => plot.destroy()
    // A new language brings a new format, and everything is drawn anew.
  }, [
    data,
    layers,
    times,
    step,
    width,
    height,
    kind,
    stacked,
    daily,
    scheme,
    format,
    write,
    counted,
  ])

  const shown = at ?? times.length - 1
  const when = daily ? format.utcDate : format.dateTime
  const time = times[shown]
  return (
    <div ref={ref} className={classes.chart}>
      <div className={classes.legend} aria-hidden>
        {series.map((one, place) => (
          <span key={one.label} className={classes.entry}>
            <span style={{ background: lineColour(place, scheme) }} />
            {one.label} <b>{at === null ? '' : valueText(one.values[shown], writeExactly)}</b>
          </span>
        ))}
        <span className={classes.time}>
          {at !== null && time !== undefined ? when(new Date(time * 1000)) : ''}
        </span>
      </div>
      <div ref={canvas} aria-hidden style={{ height }} />
      <VisuallyHidden>
        <table>
          <caption>{label}</caption>
          <tbody>
            {times.map((moment, place) => (
              <tr key={moment}>
                <th scope="row">{when(new Date(moment * 1000))}</th>
                {series.map((one) => (
                  <td
                    key={one.label}
                  >{`${one.label}: ${valueText(one.values[place], writeExactly)}`}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </VisuallyHidden>
    </div>
  )
}

function valueText(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? '–' : write(value)
}

/** Whether a value stands between two that are missing: no line would lead to it. */
function hasLoner(values: (number | null)[]): boolean {
  const isThere = (place: number) => (values[place] ?? null) !== null
  return values.some((_, place) => isThere(place) && !isThere(place - 1) && !isThere(place + 1))
}

interface Layer {
  values: (number | null)[]
  /** Which of the series it is, for its colour. */
  place: number
}

function asTheyAre(series: Series[]): Layer[] {
  return series.map(({ values }, place) => ({ values, place }))
}

/** Sums from the first series up; the highest is drawn first, and the others cover it. */
function stack(series: Series[]): Layer[] {
  const layers: Layer[] = []
  series.forEach(({ values }, place) => {
    const below = layers[place - 1]?.values
    layers.push({ place, values: values.map((value, at) => (value ?? 0) + (below?.[at] ?? 0)) })
  })
  return layers.reverse()
}

/** Bars stand on their time, so that the outer ones need half a step of room. */
function withRoom(step: number): uPlot.Scale.Range {
  return (_, first, last) => [first - step * 0.6, last + step * 0.6]
}

/** On days that are there, as many as there is room for. */
const dayTicks: uPlot.Axis.Splits = (plot) => {
  const times = plot.data[0]
  const every = Math.max(1, Math.ceil((times.length * 64) / plot.width))
  return [...times].filter((_, place) => (times.length - 1 - place) % every === 0)
}

function dates(
  format: ReturnType<typeof useFormat>,
  daily: boolean | undefined,
): uPlot.Axis.Values {
  return (_, splits, __, ___, step) =>
    splits.map((split) => {
      const time = new Date(split * 1000)
      if (daily) return format.utcDay(time)
      if (step >= 86_400) return format.day(time)
      const midnight = time.getHours() === 0 && time.getMinutes() === 0
      return midnight ? format.day(time) : format.clock(time)
    })
}
