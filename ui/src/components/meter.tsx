import { Progress } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Tone } from './status'
import classes from './meter.module.css'

interface MeterProps {
  label: string
  /** Share that is used, 0 to 1; more counts as 1. */
  share: number
  /** "12 of 60" */
  value: string
  note?: ReactNode
}

/** From here on it is nearly used up. */
const WARN = 0.7
const BAD = 0.9

export function toneOfShare(share: number): Tone {
  if (share >= BAD) return 'bad'
  return share >= WARN ? 'warn' : 'ok'
}

const COLOURS: Record<string, string> = { bad: 'red.6', warn: 'yellow.6', ok: 'indigo.5' }

/** How much of a limit is used. */
export function Meter({ label, share, value, note }: MeterProps) {
  const percent = Math.min(100, Math.max(0, share * 100))
  return (
    <div className={classes.meter}>
      <div className={classes.line}>
        <span className={classes.label}>{label}</span>
        <span className={classes.value}>{value}</span>
      </div>
      <Progress
        value={percent}
        color={COLOURS[toneOfShare(share)]}
        size={6}
        aria-label={`${label}: ${value}`}
      />
      {note && <div className={classes.note}>{note}</div>}
    </div>
  )
}
