import { Button } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { connection, onConnectionChange, probe, type Connection } from '@/api/connection'
import { Status } from '@/components/status'
import classes from './shell.module.css'

const FIRST_WAIT = 1500 // milliseconds; doubled each time
const LONGEST_WAIT = 10_000

function useConnection(): Connection {
  return useSyncExternalStore(onConnectionChange, connection)
}

export function ConnectionMark() {
  const { t } = useTranslation('shell')
  const lost = useConnection() === 'lost'
  return (
    <span className={classes.connection}>
      <Status tone={lost ? 'bad' : 'ok'} label={lost ? t('lost') : t('connected')} />
    </span>
  )
}

/** While the gateway is away: says so, asks again and again, and brings all up to date after it. */
export function ConnectionBanner() {
  const { t } = useTranslation('shell')
  const client = useQueryClient()
  const lost = useConnection() === 'lost'
  const [attempt, setAttempt] = useState(0)

  const ask = useCallback(async () => {
    if (await probe()) {
      setAttempt(0)
      await client.invalidateQueries()
    } else setAttempt((count) => count + 1)
  }, [client])
  useEffect(() => {
    if (!lost) return
    const wait = Math.min(FIRST_WAIT * 2 ** attempt, LONGEST_WAIT)
    const timer = setTimeout(() => void ask(), wait)
    return () => clearTimeout(timer)
  }, [lost, attempt, ask])

  return (
    <div role="status">
      {lost && (
        <div className={classes.banner}>
          <IconPlugConnectedX size={18} aria-hidden />
          <span>
            <b>{t('lost')}.</b> {t('lostHint')}
          </span>
          <Button size="compact-sm" variant="white" color="dark" onClick={() => void ask()}>
            {t('tryNow')}
          </Button>
        </div>
      )}
    </div>
  )
}
