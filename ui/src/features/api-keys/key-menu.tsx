import { ActionIcon, Menu } from '@mantine/core'
import {
  IconDotsVertical,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconTrash,
} from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiKey } from '@/api/types'
import { ChangeKey, DeleteKey, RotateKey, SwitchKey } from './dialogs'
import { useChangeKey } from './keys-api'

interface KeyMenuProps {
  apiKey: ApiKey
  onDeleted?: () => void
}

/** What can be done with a key. */
export function KeyMenu({ apiKey, onDeleted }: KeyMenuProps) {
  const { t } = useTranslation(['keys', 'common'])
  const [dialog, setDialog] = useState<'change' | 'rotate' | 'disable' | 'delete' | null>(null)
  const change = useChangeKey(apiKey.id)
  const close = () => setDialog(null)
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={t('common:table.actionsOf', { name: apiKey.name })}>
            <IconDotsVertical size={17} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => setDialog('change')}>
            {t('common:action.edit')}
          </Menu.Item>
          <Menu.Item leftSection={<IconRefresh size={15} />} onClick={() => setDialog('rotate')}>
            {t('rotate.action')}
          </Menu.Item>
          {apiKey.enabled ? (
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
      {dialog === 'change' && <ChangeKey apiKey={apiKey} onClose={close} />}
      {dialog === 'rotate' && <RotateKey apiKey={apiKey} onClose={close} />}
      {dialog === 'disable' && <SwitchKey apiKey={apiKey} onClose={close} />}
      {dialog === 'delete' && <DeleteKey apiKey={apiKey} onClose={close} onDeleted={onDeleted} />}
    </>
  )
}
