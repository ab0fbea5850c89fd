import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import type { ApiKey } from '@/api/types'
import { ClientSnippets } from '@/components/snippets/client-snippets'
import classes from './first-run.module.css'

interface ClientStepProps {
  apiKey: ApiKey
  secret: string | null
  onFinish: () => void
}

export function ClientStep({ apiKey, secret, onFinish }: ClientStepProps) {
  const { t } = useTranslation('first-run')
  const models = useQuery(modelsQuery(apiKey.kiro_default_account))
  const names = apiKey.allowed_models.length
    ? apiKey.allowed_models
    : (models.data ?? []).map(({ model_id }) => model_id)
  return (
    <div className={classes.content}>
      <Text size="sm" c="dimmed" maw="62ch">
        {t(secret ? 'client.text' : 'client.textWithout', { name: apiKey.name })}
      </Text>
      <ClientSnippets apiKey={secret ?? undefined} models={names} />
      <Group justify="flex-end">
        <Button onClick={onFinish}>{t('client.finish')}</Button>
      </Group>
    </div>
  )
}
