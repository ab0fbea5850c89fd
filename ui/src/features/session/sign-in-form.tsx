import { Alert, Button, PasswordInput, Stack, Text } from '@mantine/core'
import { IconAlertCircle, IconClock, IconLock, IconPlugConnectedX } from '@tabler/icons-react'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useSignIn } from './session-api'
import { problemOf, type Problem } from './sign-in-problem'

const SLOW = 900 // milliseconds; from then on the gateway is holding an answer back

interface SignInFormProps {
  /** What went wrong before the form was shown. */
  problem?: Problem | null
}

export function SignInForm({ problem: earlier = null }: SignInFormProps) {
  const { t } = useTranslation('session')
  const signIn = useSignIn()
  const [key, setKey] = useState('')
  const [missing, setMissing] = useState(false)
  const [wait, setWait] = useState(0)
  const slow = useSlow(signIn.isPending)
  const field = useRef<HTMLInputElement>(null)
  const problem = signIn.isError ? problemOf(signIn.error, false) : signIn.isIdle ? earlier : null

  useEffect(() => {
    if (wait === 0) return
    const timer = setTimeout(() => setWait(wait - 1), 1000)
    return () => clearTimeout(timer)
  }, [wait])

  const submit = (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation()
    setMissing(!key.trim())
    if (!key.trim()) return field.current?.focus()
    signIn.mutate(
      { admin_key: key.trim() },
      {
        onError: (error) => {
          const found = problemOf(error, false)
          if (found.kind === 'slowDown') setWait(found.seconds)
          field.current?.select()
        },
      },
    )
  }

  return (
    <form onSubmit={submit} noValidate>
      {/* For password managers, which remember a key under a name. */}
      <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
      <Stack gap="md">
        {problem && <ProblemAlert problem={problem} wait={wait} />}
        <PasswordInput
          ref={field}
          label={t('adminKey')}
          value={key}
          onChange={(event) => {
            setKey(event.currentTarget.value)
            setMissing(false)
          }}
          error={missing ? t('required') : undefined}
          autoComplete="current-password"
          maxLength={4096}
          data-autofocus
          autoFocus
        />
        <Button type="submit" loading={signIn.isPending} disabled={wait > 0}>
          {t('submit')}
        </Button>
        {slow && (
          <Text size="sm" c="dimmed" role="status" ta="center">
            {t('slow')}
          </Text>
        )}
      </Stack>
    </form>
  )
}

const ICONS = {
  wrongKey: IconAlertCircle,
  linkUsed: IconAlertCircle,
  slowDown: IconClock,
  notAllowed: IconLock,
  away: IconPlugConnectedX,
  failed: IconAlertCircle,
}

export function ProblemAlert({ problem, wait = 0 }: { problem: Problem; wait?: number }) {
  const { t } = useTranslation('session')
  const Icon = ICONS[problem.kind]
  return (
    <Alert
      color={problem.kind === 'slowDown' ? 'yellow' : 'red'}
      role="alert"
      icon={<Icon size={18} aria-hidden />}
      title={t(problem.kind)}
    >
      {problem.kind === 'wrongKey' && t('wrongKeyHint')}
      {problem.kind === 'linkUsed' && t('linkUsedHint')}
      {problem.kind === 'slowDown' && wait > 0 && t('slowDownHint', { count: wait })}
      {problem.kind === 'away' && t('awayHint')}
      {problem.kind === 'notAllowed' && (
        <>
          {t('notAllowedHint')} <q>{problem.message}</q>
        </>
      )}
      {problem.kind === 'failed' && problem.message}
    </Alert>
  )
}

function useSlow(pending: boolean): boolean {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    if (!pending) return
    const timer = setTimeout(() => setSlow(true), SLOW)
    return () => {
      clearTimeout(timer)
      setSlow(false)
    }
  }, [pending])
  return slow
}
