import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../format'
import type { TimedEvent } from './use-exchange'
import classes from './reply.module.css'

/** So many of the latest are drawn while nobody asks for all. */
const LATEST = 300

/** The events as they came over the wire, each with its time in milliseconds. */
export function RawEvents({ label, events }: { label: string; events: readonly TimedEvent[] }) {
  const { t } = useTranslation()
  const format = useFormat()
  const [all, setAll] = useState(false)
  const hidden = all ? 0 : Math.max(0, events.length - LATEST)
  return (
    <>
      {hidden > 0 && (
        <Button variant="subtle" size="compact-xs" fullWidth onClick={() => setAll(true)}>
          {t('reply.earlier', { formatted: format.number(hidden) })}
        </Button>
      )}
      <ol className={classes.events} tabIndex={0} aria-label={label}>
        {events.slice(hidden).map(({ event, data, at }, place) => (
          <li key={hidden + place}>
            <span className={classes.at}>{format.number(at)}</span>
            <span>
              {event && <span className={classes.name}>{event} </span>}
              {data}
            </span>
          </li>
        ))}
      </ol>
    </>
  )
}
