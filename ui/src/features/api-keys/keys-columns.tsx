import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiKey } from '@/api/types'
import type { Column } from '@/components/data-table/columns'
import { useFormat } from '@/components/format'
import { TimeAgo } from '@/components/time-ago'
import { KeyStatus } from './key-status'
import { TightestLimit } from './limits'
import classes from './keys.module.css'

export function useKeyColumns(): Column<ApiKey>[] {
  const { t } = useTranslation(['keys', 'common'])
  const format = useFormat()
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('field.name'),
        width: 180,
        grow: 4,
        sortable: true,
        cell: ({ id, name }) => (
          <Link to="/keys/$id" params={{ id }} className={classes.name}>
            {name}
          </Link>
        ),
      },
      {
        id: 'enabled',
        header: t('column.status'),
        width: 120,
        sortable: true,
        priority: 1,
        cell: (key) => <KeyStatus apiKey={key} />,
      },
      {
        id: 'key_prefix',
        header: t('column.prefix'),
        width: 165,
        grow: 0.3,
        priority: 6,
        cell: (key) => <code>{key.key_prefix}</code>,
      },
      {
        id: 'accounts',
        header: t('column.accounts'),
        width: 120,
        grow: 1.5,
        priority: 4,
        cell: (key) => <AccountNames apiKey={key} />,
      },
      {
        id: 'limits',
        header: t('column.limits'),
        width: 200,
        priority: 3,
        cell: (key) => <TightestLimit apiKey={key} />,
      },
      {
        id: 'last_used_at',
        header: t('column.lastUsed'),
        width: 125,
        sortable: true,
        priority: 2,
        cell: (key) =>
          key.last_used_at ? <TimeAgo time={key.last_used_at} /> : t('common:time.never'),
      },
      {
        id: 'expires_at',
        header: t('column.expires'),
        width: 115,
        sortable: true,
        priority: 5,
        cell: (key) => (key.expires_at ? <TimeAgo time={key.expires_at} /> : t('field.never')),
      },
      {
        id: 'created_at',
        header: t('column.created'),
        width: 130,
        sortable: true,
        priority: 8,
        initiallyHidden: true,
        cell: (key) => format.date(key.created_at),
      },
      {
        id: 'notes',
        header: t('field.notes'),
        width: 180,
        grow: 2,
        priority: 9,
        initiallyHidden: true,
        cell: (key) => key.notes || t('common:time.none'),
      },
    ],
    [t, format],
  )
}

function AccountNames({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation('keys')
  const { kiro_accounts: names, kiro_default_account: first } = apiKey
  const others = names.filter((name) => name !== first)
  if (names.length === 0) return t('state.noAccount')
  return (
    <span title={names.join(', ')}>
      {first ?? names[0]}
      {others.length > 0 && <span className={classes.others}> +{others.length}</span>}
    </span>
  )
}
