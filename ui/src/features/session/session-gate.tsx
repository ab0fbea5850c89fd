import { Center, Loader, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { lazyDialog } from '@/components/dialog/lazy-dialog'
import { takeLink } from './one-time-link'
import { sessionQuery, useSignIn } from './session-api'
import { problemOf } from './sign-in-problem'

// Most visits need neither.
const SessionExpired = lazyDialog(async () => (await import('./session-expired')).SessionExpired)
const SignInPage = lazyDialog(async () => (await import('./sign-in-page')).SignInPage)

interface SessionGateProps {
  preferences: ReactNode
  children: ReactNode
}

/**
 * Shows the pages to whoever is signed in, and the way in to everybody else. When a session ends
 * while a page is open, the page stays behind the question, with all that was typed into it.
 */
export function SessionGate({ preferences, children }: SessionGateProps) {
  const { t } = useTranslation(['session', 'common'])
  const [link, setLink] = useState(() => takeLink(window.location, window.history))
  const session = useQuery({ ...sessionQuery, enabled: link === null })
  const byLink = useSignIn()
  const { mutate } = byLink
  const { refetch } = session
  const retry = useCallback(() => void refetch(), [refetch])

  useEffect(() => {
    if (link === null) return
    mutate({ link }, { onSettled: () => setLink(null) })
  }, [link, mutate])
  useEffect(() => {
    // Pasted into a window that is open already: browsers do not load the page again.
    const take = () => setLink(takeLink(window.location, window.history))
    window.addEventListener('hashchange', take)
    return () => window.removeEventListener('hashchange', take)
  }, [])

  if (session.data === 'in' || session.data === 'expired') {
    return (
      <>
        {children}
        {session.data === 'expired' && <SessionExpired />}
      </>
    )
  }
  if (link !== null || byLink.isPending || (session.isPending && !session.isError)) {
    return (
      <Center mih="100dvh" role="status">
        <Loader />
        <VisuallyHidden>
          {link === null ? t('common:state.loading') : t('linkChecking')}
        </VisuallyHidden>
      </Center>
    )
  }
  const error = session.error ?? byLink.error
  return (
    <SignInPage
      problem={error && problemOf(error, error === byLink.error)}
      onRetry={retry}
      preferences={preferences}
    />
  )
}
