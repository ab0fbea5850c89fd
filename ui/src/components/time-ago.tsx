import { Tooltip } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { useFormat } from './format'

const TICK = 30_000 // milliseconds

// One clock for all of them, and only while there is one to move.
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, TICK)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}

/** The time, half a minute exact; what is drawn with it stays up to date. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    if (timer === undefined && Date.now() - now > TICK) now = Date.now()
    return now
  })
}

/** How long ago or ahead; the exact time on pointing at it. */
export function TimeAgo({ time }: { time: string }) {
  const format = useFormat()
  const from = useNow()
  return (
    <Tooltip label={format.dateTime(time)}>
      <time dateTime={time}>{format.relative(time, from)}</time>
    </Tooltip>
  )
}
