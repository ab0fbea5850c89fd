import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Column } from '@/components/data-table/columns'
import { useFormat } from '@/components/format'
import { TimeAgo } from '@/components/time-ago'
import { AccountStatus, useExplained } from './account-status'
import { useMethodName } from './method'
import { QuotaBar } from './quota-bar'
import { resetOf } from './quota'
import type { AccountRow } from './rows'
import classes from './accounts.module.css'

export function useAccountColumns(): Column<AccountRow>[] {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const explained = useExplained()
  const method = useMethodName()
  return useMemo(() => {
    const none = t('common:time.none')
    return [
      {
        id: 'name',
        header: t('field.name'),
        width: 150,
        grow: 3,
        sortable: true,
        cell: ({ account: { id, name } }) => (
          <Link to="/accounts/$id" params={{ id }} className={classes.name}>
            {name}
          </Link>
        ),
      },
      {
        id: 'status',
        header: t('column.status'),
        width: 145,
        grow: 0.5,
        sortable: true,
        priority: 1,
        cell: ({ account: { health } }) => <AccountStatus health={health} />,
      },
      {
        id: 'reason',
        header: t('column.reason'),
        width: 180,
        grow: 4,
        priority: 6,
        cell: ({ account: { health } }) => {
          if (health.state === 'active') return <span className={classes.dimmed}>{none}</span>
          const { reason, advice } = explained(health)
          return <span title={[reason, advice].filter(Boolean).join('\n')}>{reason}</span>
        },
      },
      {
        id: 'quota',
        header: t('column.quota'),
        width: 190,
        grow: 0.5,
        sortable: true,
        priority: 2,
        cell: ({ account }) => <QuotaBar quota={account.usage_limits} />,
      },
      {
        id: 'reset',
        header: t('column.reset'),
        width: 115,
        grow: 0.5,
        sortable: true,
        priority: 7,
        cell: ({ account }) => {
          const reset = resetOf(account.usage_limits)
          return reset ? <TimeAgo time={reset} /> : none
        },
      },
      {
        id: 'plan',
        header: t('column.plan'),
        width: 125,
        sortable: true,
        priority: 4,
        cell: ({ account }) => account.subscription || none,
      },
      {
        id: 'method',
        header: t('column.method'),
        width: 150,
        sortable: true,
        priority: 5,
        cell: ({ account }) => method(account.auth_method) ?? none,
      },
      {
        id: 'requests',
        header: t('column.requests'),
        width: 145,
        grow: 0.5,
        align: 'end',
        sortable: true,
        priority: 3,
        cell: ({ requests, errors }) => {
          if (requests === null) return '…'
          const failed = t('requestsErrors', { count: errors, formatted: format.number(errors) })
          return (
            <span title={failed}>
              {format.number(requests)}
              {errors > 0 && <span className={classes.errors}> ({failed})</span>}
            </span>
          )
        },
      },
      {
        id: 'since',
        header: t('column.since'),
        width: 125,
        sortable: true,
        initiallyHidden: true,
        cell: ({ account: { health } }) => (health.since ? <TimeAgo time={health.since} /> : none),
      },
      {
        id: 'checked',
        header: t('column.checked'),
        width: 125,
        sortable: true,
        initiallyHidden: true,
        cell: ({ account: { health } }) =>
          health.next_check_at ? <TimeAgo time={health.next_check_at} /> : none,
      },
      {
        id: 'email',
        header: t('column.email'),
        width: 180,
        grow: 2,
        sortable: true,
        initiallyHidden: true,
        cell: ({ account }) => account.email ?? none,
      },
      {
        id: 'region',
        header: t('column.region'),
        width: 120,
        sortable: true,
        initiallyHidden: true,
        cell: ({ account }) => account.api_region ?? account.region,
      },
      {
        id: 'created',
        header: t('column.created'),
        width: 120,
        sortable: true,
        initiallyHidden: true,
        cell: ({ account }) => format.date(account.created_at),
      },
    ]
  }, [t, format, explained, method])
}
