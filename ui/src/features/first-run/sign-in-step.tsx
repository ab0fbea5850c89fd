import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { SignIn } from '@/components/sign-in/sign-in'
import classes from './first-run.module.css'

interface SignInStepProps {
  account: Account
  onNext: () => void
}

export function SignInStep({ account, onNext }: SignInStepProps) {
  const { t } = useTranslation('first-run')
  // As it was when the step was opened: the wizard shows by itself how it went.
  const [needed, setNeeded] = useState(!account.auth_method)
  if (needed) {
    return (
      <div className={classes.content}>
        <Text size="sm" c="dimmed" maw="62ch">
          {t('sign-in.text', { name: account.name })}
        </Text>
        <SignIn account={account} onDone={onNext} doneLabel={t('next')} />
      </div>
    )
  }
  return (
    <div className={classes.content}>
      <Text size="sm">{t('sign-in.there', { name: account.name })}</Text>
      {!account.healthy && account.health_reason && (
        <Text size="sm" c="dimmed">
          {account.health_reason}
        </Text>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={() => setNeeded(true)}>
          {t('sign-in.again')}
        </Button>
        <Button onClick={onNext}>{t('next')}</Button>
      </Group>
    </div>
  )
}
