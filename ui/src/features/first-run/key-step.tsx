import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account, ApiKey } from '@/api/types'
import { SecretBox } from '@/components/secret-box'
import { useCreateKey } from './first-run-api'
import classes from './first-run.module.css'
import { NameForm } from './name-form'

interface KeyStepProps {
  account: Account
  apiKey: ApiKey | null
  /** Of this key, if it was made here. */
  secret: string | null
  onMade: (key: ApiKey) => void
  onNext: () => void
}

export function KeyStep({ account, apiKey, secret, onMade, onNext }: KeyStepProps) {
  const { t } = useTranslation('first-run')
  const create = useCreateKey()
  const [name, setName] = useState(() => t('key.firstName'))
  const [another, setAnother] = useState(false)
  if (!apiKey || another) {
    return (
      <NameForm
        explanation={t('key.text', { name: account.name })}
        label={t('key.name')}
        hint={t('key.nameHint')}
        submitLabel={t('key.create')}
        name={name}
        onName={setName}
        check={() => null}
        onSubmit={async (value) => {
          onMade(await create.mutateAsync({ name: value, account: account.name }))
          setAnother(false)
        }}
      />
    )
  }
  return (
    <div className={classes.content}>
      {secret ? (
        <SecretBox label={apiKey.name} secret={secret} />
      ) : (
        <Text size="sm">
          {t('key.there', { name: apiKey.name })} <code>{apiKey.key_prefix}</code>
        </Text>
      )}
      <Group justify="flex-end" gap="xs">
        {!secret && (
          <Button variant="default" onClick={() => setAnother(true)}>
            {t('key.another')}
          </Button>
        )}
        <Button onClick={onNext}>{t(secret ? 'key.copied' : 'next')}</Button>
      </Group>
    </div>
  )
}
