import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { clockTime } from './sign-in-problems'
import classes from './sign-in.module.css'

const TICK = 1000 // milliseconds

interface CountdownProps {
  /** When it ends, by the gateway's clock. */
  until: string
  /** How far this computer's clock is behind that one, in milliseconds. */
  behind: number
}

/** How long there is for the present step. Not read out each second. */
export function Countdown({ until, behind }: CountdownProps) {
  const { t } = useTranslation('sign-in')
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK)
    return () => clearInterval(timer)
  }, [])
  const left = Date.parse(until) - now - behind
  return (
    <span className={classes.countdown} data-soon={left < 60_000 || undefined} role="timer">
      {left > 0 ? t('wait.left', { time: clockTime(left) }) : t('wait.over')}
    </span>
  )
}
