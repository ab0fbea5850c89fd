import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const RELATIVE: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
]

export interface Format {
  /** 12,345 */
  number: (value: number) => string
  /** 12.3K, 4.1M: for tiles and axes. */
  compact: (value: number) => string
  /** Credits, which come in fractions: 1,234.5 or 0.042 */
  credits: (value: number) => string
  /** A share from 0 to 1: 42% */
  percent: (value: number) => string
  /** 840 B, 12.3 kB, 4.1 MB */
  bytes: (value: number) => string
  /** Milliseconds: 840 ms, 1.3 s, 2 min 5 s, 3 hrs 20 min, 4 days 1 hr */
  duration: (milliseconds: number) => string
  /** 31 Jan 2026, 09:00 */
  dateTime: (time: Date | string) => string
  /** 31 Jan, 09:00:05: in lists of what happened. */
  moment: (time: Date | string) => string
  /** 31 Jan 2026 */
  date: (time: Date | string) => string
  /** 31 Jan: on an axis. */
  day: (time: Date) => string
  /** The same of a time that begins a day of UTC. */
  utcDay: (time: Date) => string
  utcDate: (time: Date | string) => string
  /** 09:00: on an axis. */
  clock: (time: Date) => string
  /** "3 minutes ago", "in 2 days". */
  relative: (time: Date | string, now: number) => string
  /** "a, b and c" */
  list: (items: string[]) => string
}

export function makeFormat(language: string): Format {
  const locale = language === 'zh' ? 'zh-CN' : 'en-GB'
  const number = new Intl.NumberFormat(locale)
  const compact = new Intl.NumberFormat(language === 'zh' ? locale : 'en-US', {
    notation: 'compact',
    maximumFractionDigits: 1,
  })
  const credits = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })
  const smallCredits = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 })
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
  const moment = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
  const utcDay = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })
  const utcDate = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
  const clock = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const list = new Intl.ListFormat(locale)
  const unit = (name: string, digits: number) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: digits,
    })
  const [byte, kB, MB] = [unit('byte', 0), unit('kilobyte', 1), unit('megabyte', 1)]
  const [ms, s, min] = [unit('millisecond', 0), unit('second', 1), unit('minute', 0)]
  const [hour, days] = [unit('hour', 0), unit('day', 0)]

  return {
    number: (value) => number.format(value),
    compact: (value) => compact.format(value),
    credits: (value) =>
      value !== 0 && Math.abs(value) < 0.1 ? smallCredits.format(value) : credits.format(value),
    percent: (value) => percent.format(value),
    bytes: (value) => {
      if (value < 1000) return byte.format(value)
      return value < 1e6 ? kB.format(value / 1e3) : MB.format(value / 1e6)
    },
    duration: (value) => {
      if (value < 1000) return ms.format(value)
      if (value < 60_000) return s.format(value / 1000)
      const seconds = Math.round(value / 1000)
      const two = (
        large: Intl.NumberFormat,
        size: number,
        small: Intl.NumberFormat,
        part: number,
      ) =>
        `${large.format(Math.floor(seconds / size))} ${small.format(Math.floor((seconds % size) / part))}`
      if (seconds < HOUR) return two(min, MINUTE, s, 1)
      return seconds < DAY ? two(hour, HOUR, min, MINUTE) : two(days, DAY, hour, HOUR)
    },
    dateTime: (time) => dateTime.format(new Date(time)),
    moment: (time) => moment.format(new Date(time)),
    date: (time) => date.format(new Date(time)),
    day: (time) => day.format(time),
    utcDay: (time) => utcDay.format(time),
    utcDate: (time) => utcDate.format(new Date(time)),
    clock: (time) => clock.format(time),
    relative: (time, now) => {
      const seconds = (new Date(time).getTime() - now) / 1000
      for (const [name, size] of RELATIVE) {
        if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), name)
      }
      return relative.format(0, 'second') // "now"
    },
    list: (items) => list.format(items),
  }
}

/** Numbers and times in the language of the page. */
export function useFormat(): Format {
  const { i18n } = useTranslation()
  return useMemo(() => makeFormat(i18n.language), [i18n.language])
}
