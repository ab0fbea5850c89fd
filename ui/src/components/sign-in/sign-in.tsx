import { useForm } from '@mantine/form'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Login } from '@/api/types'
import { LoadError } from '../load-error'
import { Loading } from '../loading'
import { useFocusOnChange } from '../use-focus-on-change'
import { LoginView } from './login-view'
import { recalledOrganisation } from './recalled'
import { loginQuery, loginsQuery } from './sign-in-api'
import { SignedIn } from './signed-in'
import { WayChoice } from './way-choice'
import { WayForm } from './way-form'
import { problemsOf, type Problems, type SignInValues, type Way } from './ways'

export interface SignInProps {
  account: { id: string; name: string }
  /** After a good end; the button says `doneLabel`. */
  onDone: () => void
  doneLabel?: string
  /** Whether something was typed that closing would lose. */
  onTyped?: (typed: boolean) => void
}

/**
 * Signs an account in, by whichever way. What goes on already is found again and shown; the gateway
 * finishes it by itself, so this may be left at any time.
 */
export function SignIn({ account, onDone, doneLabel, onTyped }: SignInProps) {
  const { t } = useTranslation('sign-in')
  const client = useQueryClient()
  const logins = useQuery(loginsQuery(account.id))
  const [way, setWay] = useState<Way | null>(null)
  // The sign-in that is shown. Undefined: not known yet whether one goes on already.
  const [shown, setShown] = useState<string | null>()
  const [stored, setStored] = useState(false)
  const form = useForm<SignInValues>({
    initialValues: { port: '', api_key: '', db_path: '', ...recalledOrganisation() },
    validate: (values) => translated(problemsOf(values, way ?? 'portal')),
    onValuesChange: () => onTyped?.(true),
  })
  const translated = (problems: Problems) =>
    Object.fromEntries(
      Object.entries(problems).map(([field, problem]) => [field, t(`problem.${problem}`)]),
    )

  const latest = logins.data?.[0]
  // Settled once: what is begun elsewhere later does not take this one's place.
  if (shown === undefined && logins.data) {
    setShown(latest?.status === 'pending' ? latest.id : null)
  }

  const choose = (next: Way | null) => {
    form.clearErrors()
    setWay(next)
  }
  const begun = (login: Login | null) => {
    form.setFieldValue('api_key', '')
    onTyped?.(false)
    if (login === null) return setStored(true)
    client.setQueryData(loginQuery(login.id).queryKey, { login, behind: 0 })
    setShown(login.id)
  }
  /** Back to what was typed, or to the choice of ways. */
  const leave = (to: 'form' | 'choice') => {
    setShown(null)
    setStored(false)
    if (to === 'choice') choose(null)
    void logins.refetch()
  }

  const view = stored ? 'stored' : (shown ?? way ?? 'choice')
  const place = useFocusOnChange<HTMLDivElement>(view)

  const content = () => {
    if (stored) return <SignedIn {...{ account, onDone, doneLabel }} onAgain={leave} />
    if (shown) {
      return (
        <LoginView
          key={shown}
          id={shown}
          {...{ account, way, onDone, doneLabel }}
          onAgain={leave}
        />
      )
    }
    if (way) {
      return <WayForm {...{ account, way, form }} onBegun={begun} onBack={() => choose(null)} />
    }
    if (logins.isPending) return <Loading label={t('looking')} lines={6} height={44} />
    if (logins.isLoadingError) {
      return (
        <LoadError error={logins.error} onRetry={logins.refetch} retrying={logins.isFetching} />
      )
    }
    return <WayChoice last={latest} onChoose={choose} />
  }
  return <div ref={place}>{content()}</div>
}
