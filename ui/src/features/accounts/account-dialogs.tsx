import { Button, Checkbox, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { ConfirmDialog } from '@/components/dialog/confirm-dialog'
import { usePhone } from '@/components/use-phone'
import { AccountForm } from './account-form'
import { changeOf, newAccountOf } from './account-form-values'
import {
  keysOfAccountQuery,
  useChangeAccount,
  useCreateAccount,
  useDeleteAccount,
} from './accounts-api'
import { TestCall } from './test-call'

interface DialogProps {
  account: Account
  onClose: () => void
}

export function AddAccount({
  onClose,
  onAdded,
}: {
  onClose: () => void
  onAdded: (account: Account) => void
}) {
  const create = useCreateAccount()
  return (
    <AccountForm
      account={null}
      onClose={onClose}
      onSubmit={async (values) => {
        const account = await create.mutateAsync(newAccountOf(values))
        onClose()
        onAdded(account)
      }}
    />
  )
}

export function ChangeAccount({ account, onClose }: DialogProps) {
  const change = useChangeAccount(account.id)
  return (
    <AccountForm
      account={account}
      onClose={onClose}
      onSubmit={async (values) => {
        await change.mutateAsync(changeOf(account, values))
        onClose()
      }}
    />
  )
}

export function SwitchAccount({ account, onClose }: DialogProps) {
  const { t } = useTranslation('accounts')
  const change = useChangeAccount(account.id)
  return (
    <ConfirmDialog
      opened
      danger
      title={t('disable.title', { name: account.name })}
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

const NAMED = 5 // keys that are listed by name

/** Refused while API keys use the account, unless it is to be taken out of them. */
export function DeleteAccount({
  account,
  onClose,
  onDeleted,
}: DialogProps & { onDeleted?: () => void }) {
  const { t } = useTranslation(['accounts', 'common'])
  const remove = useDeleteAccount(account.id)
  const keys = useQuery({ ...keysOfAccountQuery(account.id, NAMED), staleTime: 0 })
  const [force, setForce] = useState(false)
  const used = keys.data?.total ?? 0
  const more = used - (keys.data?.keys.length ?? 0)
  return (
    <ConfirmDialog
      opened
      danger
      title={t('delete.title', { name: account.name })}
      confirmLabel={t('delete.confirm')}
      onClose={onClose}
      onConfirm={async () => {
        if (used > 0 && !force) throw new Error(t('delete.refused'))
        // Also asks of keys that were given the account since: then the gateway says no.
        await remove.mutateAsync(used > 0 && force)
        onClose()
        onDeleted?.()
      }}
    >
      <Stack gap="sm">
        {t('delete.text')}
        {keys.data && used > 0 && (
          <>
            <div>
              {t('delete.used', { count: used })}
              <List size="sm" mt={4}>
                {keys.data.keys.map(({ id, name, kiro_accounts }) => (
                  <List.Item key={id}>
                    {name}
                    {kiro_accounts.length === 1 && (
                      <Text span c="dimmed" size="sm">
                        {' '}
                        · {t('delete.only')}
                      </Text>
                    )}
                  </List.Item>
                ))}
                {more > 0 && <List.Item>{t('keys.more', { count: more })}</List.Item>}
              </List>
            </div>
            <Checkbox
              label={t('delete.force')}
              description={t('delete.forceHint')}
              checked={force}
              onChange={(event) => setForce(event.currentTarget.checked)}
            />
          </>
        )}
      </Stack>
    </ConfirmDialog>
  )
}

/** One live round trip, from wherever an account is told of. */
export function TestAccount({ account, onClose }: DialogProps) {
  const { t } = useTranslation(['accounts', 'common'])
  const phone = usePhone()
  return (
    <Modal
      opened
      size="lg"
      fullScreen={phone}
      onClose={onClose}
      title={`${t('test.title')}: ${account.name}`}
      closeButtonProps={{ 'aria-label': t('common:action.close') }}
    >
      <TestCall account={account} />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          {t('common:action.close')}
        </Button>
      </Group>
    </Modal>
  )
}
