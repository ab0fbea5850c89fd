import { Button, Group, Modal, Select, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import type { ApiKey } from '@/api/types'
import { DialogFooter } from '@/components/dialog/dialog-footer'
import { ConfirmDialog } from '@/components/dialog/confirm-dialog'
import { SecretBox } from '@/components/secret-box'
import { ClientSnippets } from '@/components/snippets/client-snippets'
import { usePhone } from '@/components/use-phone'
import { KeyForm } from './key-form'
import { useChangeKey, useCreateKey, useDeleteKey, useRotateKey } from './keys-api'

interface DialogProps {
  apiKey: ApiKey
  onClose: () => void
}

/** The form of a new key, then its secret, this once. */
export function CreateKey({ onClose }: { onClose: () => void }) {
  const create = useCreateKey()
  const [made, setMade] = useState<ApiKey | null>(null)
  if (made) return <KeySecret apiKey={made} onClose={onClose} />
  return (
    <KeyForm
      apiKey={null}
      onClose={onClose}
      onSubmit={async (key) => setMade(await create.mutateAsync(key))}
    />
  )
}

export function ChangeKey({ apiKey, onClose, showLimits }: DialogProps & { showLimits?: boolean }) {
  const change = useChangeKey(apiKey.id)
  return (
    <KeyForm
      apiKey={apiKey}
      showLimits={showLimits}
      onClose={onClose}
      onSubmit={async (key) => {
        await change.mutateAsync(key)
        onClose()
      }}
    />
  )
}

const HOUR = 3600 // seconds
const OVERLAPS = [0, HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR]

export function RotateKey({ apiKey, onClose }: DialogProps) {
  const { t } = useTranslation('keys')
  const rotate = useRotateKey(apiKey.id)
  const [overlap, setOverlap] = useState(24 * HOUR)
  const [made, setMade] = useState<ApiKey | null>(null)
  if (made) return <KeySecret apiKey={made} rotated onClose={onClose} />
  return (
    <ConfirmDialog
      opened
      title={t('rotate.title', { name: apiKey.name })}
      confirmLabel={t('rotate.confirm')}
      onClose={onClose}
      onConfirm={async () => setMade(await rotate.mutateAsync(overlap))}
    >
      <Stack gap="md">
        {t('rotate.text')}
        <Select
          label={t('rotate.overlap')}
          description={t('rotate.overlapHint')}
          allowDeselect={false}
          data={OVERLAPS.map((seconds) => ({
            value: String(seconds),
            label: t(`rotate.after${seconds as 0 | 3600 | 86400 | 604800 | 2592000}`),
          }))}
          value={String(overlap)}
          onChange={(value) => setOverlap(Number(value ?? 0))}
        />
      </Stack>
    </ConfirmDialog>
  )
}

export function DeleteKey({
  apiKey,
  onClose,
  onDeleted,
}: DialogProps & { onDeleted?: () => void }) {
  const { t } = useTranslation(['keys', 'common'])
  const remove = useDeleteKey(apiKey.id)
  return (
    <ConfirmDialog
      opened
      danger
      title={t('delete.title', { name: apiKey.name })}
      confirmLabel={t('delete.confirm')}
      onClose={onClose}
      onConfirm={async () => {
        await remove.mutateAsync()
        onClose()
        onDeleted?.()
      }}
    >
      {t('delete.text')}
    </ConfirmDialog>
  )
}

export function SwitchKey({ apiKey, onClose }: DialogProps) {
  const { t } = useTranslation('keys')
  const change = useChangeKey(apiKey.id)
  return (
    <ConfirmDialog
      opened
      danger
      title={t('disable.title', { name: apiKey.name })}
      confirmLabel={t('disable.confirm')}
      onClose={onClose}
      onConfirm={async () => {
        await change.mutateAsync({ enabled: false })
        onClose()
      }}
    >
      {t('disable.text')}
    </ConfirmDialog>
  )
}

interface KeySecretProps {
  apiKey: ApiKey
  rotated?: boolean
  onClose: () => void
}

/** Closes by its button alone: a stray press must not lose what cannot be had again. */
function KeySecret({ apiKey, rotated, onClose }: KeySecretProps) {
  const { t } = useTranslation(['keys', 'common'])
  const phone = usePhone()
  const models = useQuery(modelsQuery(apiKey.kiro_default_account))
  const names = apiKey.allowed_models.length
    ? apiKey.allowed_models
    : (models.data ?? []).map(({ model_id }) => model_id)
  return (
    <Modal
      opened
      size="xl"
      fullScreen={phone}
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t(rotated ? 'secret.rotated' : 'secret.created', { name: apiKey.name })}
    >
      <Stack gap="lg">
        <SecretBox label={t('secret.label')} secret={apiKey.key ?? ''} />
        <div>
          <Title order={3} size="h5" mb={4}>
            {t('connect.title')}
          </Title>
          <Text size="sm" c="dimmed" mb="xs">
            {t('connect.withKey')}
          </Text>
          <ClientSnippets apiKey={apiKey.key} models={names} />
        </div>
      </Stack>
      <DialogFooter>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('secret.done')}</Button>
        </Group>
      </DialogFooter>
    </Modal>
  )
}
