export const RELATIVE_TIMES = ['15m', '1h', '24h', '7d'] as const
export type RelativeTime = (typeof RELATIVE_TIMES)[number]

/** As `datetime-local` fields hold it: the browser's own zone, to the minute. */
export function localTime(time: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day}T${two(time.getHours())}:${two(time.getMinutes())}`
}
