import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/errors'
import { LoadError } from '../load-error'
import { Loading } from '../loading'
import { useFocusOnChange } from '../use-focus-on-change'
import { LoginFailed } from './login-failed'
import { LoginSteps } from './login-steps'
import { isGone, loginQuery, noteSignedIn } from './sign-in-api'
import { detailOf, reasonOf } from './sign-in-problems'
import { SignedIn } from './signed-in'
import type { Way } from './ways'

export type Again = (to: 'form' | 'choice') => void

interface LoginViewProps {
  id: string
  account: { id: string; name: string }
  /** How it was begun; null when it was found going on. */
  way: Way | null
  onDone: () => void
  doneLabel?: string
  onAgain: Again
}

/** A sign-in that goes on or has ended, as the gateway tells of it. */
export function LoginView({ id, account, way, onDone, doneLabel, onAgain }: LoginViewProps) {
  const { t } = useTranslation('sign-in')
  const client = useQueryClient()
  const now = useQuery(loginQuery(id))
  const status = now.data?.login.status
  useEffect(() => {
    if (status === 'completed') void noteSignedIn(client)
  }, [status, client])

  const place = useFocusOnChange<HTMLDivElement>(status ?? '')
  return <div ref={place}>{content()}</div>

  function content() {
    if (isGone(now.error)) return <LoginFailed reason="gone" detail={null} onAgain={onAgain} />
    if (!now.data) {
      if (now.error) {
        return <LoadError error={now.error} onRetry={now.refetch} retrying={now.isFetching} />
      }
      return <Loading label={t('looking')} lines={4} height={28} />
    }
    const { login, behind } = now.data
    if (login.status === 'pending') {
      const unseen = now.error !== null && !(now.error instanceof ApiError)
      return <LoginSteps login={login} behind={behind} way={way} unseen={unseen} onLeft={onAgain} />
    }
    const reason = reasonOf(login)
    if (reason) return <LoginFailed {...{ reason, onAgain }} detail={detailOf(login, reason)} />
    return <SignedIn {...{ account, onDone, doneLabel, onAgain }} />
  }
}
