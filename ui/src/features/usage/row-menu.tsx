import { ActionIcon, Menu } from '@mantine/core'
import { IconDotsVertical, IconKey, IconListDetails, IconUserBolt } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Group } from '@/components/usage/sums'
import type { TimeWindow } from '@/components/usage/time-window'
import { requestsOf } from './usage-rows'
import type { Grouping, UsageSearch } from './usage-search'

interface RowMenuProps {
  group: Group
  grouping: readonly Grouping[]
  search: UsageSearch
  window: TimeWindow
}

/** Where to look on from a row: what it is about, and the requests that it sums up. */
export function RowMenu({ group: { row }, grouping, search, window }: RowMenuProps) {
  const { t } = useTranslation('usage')
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label={t('actionsOf')}>
          <IconDotsVertical size={17} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconListDetails size={15} />}
          renderRoot={(props) => (
            <Link to="/requests" search={requestsOf(search, row, grouping, window)} {...props} />
          )}
        >
          {t('requests')}
        </Menu.Item>
        {row.key_id && grouping.includes('key') && (
          <Menu.Item
            leftSection={<IconKey size={15} />}
            renderRoot={(props) => (
              <Link to="/keys/$id" params={{ id: row.key_id ?? '' }} {...props} />
            )}
          >
            {t('openKey')}
          </Menu.Item>
        )}
        {row.account_id && grouping.includes('account') && (
          <Menu.Item
            leftSection={<IconUserBolt size={15} />}
            renderRoot={(props) => (
              <Link to="/accounts/$id" params={{ id: row.account_id ?? '' }} {...props} />
            )}
          >
            {t('openAccount')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
