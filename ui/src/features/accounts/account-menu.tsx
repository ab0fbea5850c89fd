import { ActionIcon, Menu } from '@mantine/core'
import {
  IconDotsVertical,
  IconLogin2,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconStethoscope,
  IconTrash,
} from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { useChangeAccount } from './accounts-api'
import { ChangeAccount, DeleteAccount, SwitchAccount, TestAccount } from './dialogs'
import { canBeAsked } from './health'
import { SignInAccount } from './sign-in-account'

interface AccountMenuProps {
  account: Account
  onDeleted?: () => void
}

/** What can be done with an account. */
export function AccountMenu({ account, onDeleted }: AccountMenuProps) {
  const { t } = useTranslation(['accounts', 'common'])
  const [dialog, setDialog] = useState<'change' | 'signIn' | 'test' | 'disable' | 'delete' | null>(
    null,
  )
  const change = useChangeAccount(account.id)
  const close = () => setDialog(null)
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={t('common:table.actionsOf', { name: account.name })}>
            <IconDotsVertical size={17} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => setDialog('change')}>
            {t('common:action.edit')}
          </Menu.Item>
          {canBeAsked(account) && (
            <Menu.Item
              leftSection={<IconStethoscope size={15} />}
              onClick={() => setDialog('test')}
            >
              {t('remedy.test')}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconLogin2 size={15} />} onClick={() => setDialog('signIn')}>
            {t(account.token_info.has_token ? 'signIn.again' : 'signIn.action')}
          </Menu.Item>
          {account.enabled ? (
            <Menu.Item
              leftSection={<IconPlayerPause size={15} />}
              onClick={() => setDialog('disable')}
            >
              {t('disable.action')}
            </Menu.Item>
          ) : (
            <Menu.Item
              leftSection={<IconPlayerPlay size={15} />}
              onClick={() => change.mutate({ enabled: true })}
            >
              {t('disable.enable')}
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={15} />}
            onClick={() => setDialog('delete')}
          >
            {t('common:action.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {dialog === 'change' && <ChangeAccount account={account} onClose={close} />}
      {dialog === 'signIn' && <SignInAccount account={account} onClose={close} />}
      {dialog === 'test' && <TestAccount account={account} onClose={close} />}
      {dialog === 'disable' && <SwitchAccount account={account} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteAccount account={account} onClose={close} onDeleted={onDeleted} />
      )}
    </>
  )
}
