import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { NameForm } from './name-form'
import classes from './first-run.module.css'
import { useCreateAccount } from './first-run-api'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

interface AccountStepProps {
  account: Account | null
  onMade: (account: Account) => void
  onNext: () => void
}

export function AccountStep({ account, onMade, onNext }: AccountStepProps) {
  const { t } = useTranslation('first-run')
  const create = useCreateAccount()
  const [name, setName] = useState('main')
  if (account) {
    return (
      <div className={classes.content}>
        <Text size="sm">{t('account.there', { name: account.name })}</Text>
        <Group justify="flex-end">
          <Button data-autofocus onClick={onNext}>
            {t('next')}
          </Button>
        </Group>
      </div>
    )
  }
  return (
    <NameForm
      explanation={t('account.text')}
      label={t('account.name')}
      hint={t('account.nameHint')}
      submitLabel={t('account.create')}
      name={name}
      onName={setName}
      check={(value) => (NAME.test(value) ? null : t('account.nameWrong'))}
      onSubmit={async (value) => onMade(await create.mutateAsync(value))}
    />
  )
}
