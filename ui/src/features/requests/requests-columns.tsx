import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { RequestRow } from '@/api/types'
import type { Column } from '@/components/data-table/columns'
import { useFormat } from '@/components/format'
import { Result } from './result'
import type { RequestSearch } from './search'
import classes from './requests.module.css'

export function useRequestColumns(search: RequestSearch): Column<RequestRow>[] {
  const { t } = useTranslation(['requests', 'common'])
  const format = useFormat()
  return useMemo(() => {
    const none = <span className={classes.dim}>{t('common:time.none')}</span>
    return [
      {
        id: 'created_at',
        header: t('column.time'),
        width: 168,
        grow: 0.3,
        sortable: true,
        cell: ({ id, created_at }) => (
          <Link to="/requests/$id" params={{ id }} search={search} className={classes.time}>
            {format.moment(created_at)}
          </Link>
        ),
      },
      {
        id: 'status',
        header: t('column.result'),
        width: 185,
        grow: 2,
        priority: 1,
        cell: (row) => <Result request={row} />,
      },
      {
        id: 'key',
        header: t('column.key'),
        width: 105,
        grow: 1.2,
        priority: 3,
        cell: ({ key_name }) => <span title={key_name}>{key_name}</span>,
      },
      {
        id: 'account',
        header: t('column.account'),
        width: 95,
        grow: 1.2,
        priority: 5,
        cell: ({ account }) => (account ? <span title={account}>{account}</span> : none),
      },
      {
        id: 'model',
        header: t('column.model'),
        width: 155,
        grow: 1.2,
        priority: 2,
        cell: ({ model, model_served }) =>
          model_served ? <span title={model}>{model_served}</span> : none,
      },
      {
        id: 'tokens',
        header: t('column.tokens'),
        width: 130,
        grow: 0.5,
        align: 'end',
        priority: 4,
        cell: (row) =>
          row.usage_source === 'none' ? (
            none
          ) : (
            <span title={t(`source.${sourceOf(row)}`)}>
              {sourceOf(row) === 'measured' ? '' : '≈ '}
              {format.compact(row.input_tokens + row.cache_read_tokens + row.cache_write_tokens)}
              {' / '}
              {format.compact(row.output_tokens)}
            </span>
          ),
      },
      {
        id: 'credits',
        header: t('column.credits'),
        width: 85,
        grow: 0.3,
        align: 'end',
        priority: 7,
        cell: ({ credits }) => (credits === null ? none : format.credits(credits)),
      },
      {
        id: 'first_token_ms',
        header: t('column.firstToken'),
        width: 100,
        grow: 0.3,
        align: 'end',
        priority: 6,
        cell: (row) => (row.first_token_ms === null ? none : format.duration(row.first_token_ms)),
      },
      {
        id: 'duration_ms',
        header: t('column.duration'),
        width: 90,
        grow: 0.3,
        align: 'end',
        priority: 4,
        cell: ({ duration_ms }) => format.duration(duration_ms),
      },
      {
        id: 'route',
        header: t('column.route'),
        width: 170,
        priority: 8,
        initiallyHidden: true,
        cell: ({ route }) => <code>{route}</code>,
      },
      {
        id: 'stop_reason',
        header: t('column.stopReason'),
        width: 140,
        priority: 8,
        initiallyHidden: true,
        cell: ({ stop_reason }) =>
          stop_reason
            ? t(`stop.${stop_reason as 'end_turn'}`, { defaultValue: stop_reason })
            : none,
      },
      {
        id: 'usage_source',
        header: t('column.source'),
        width: 110,
        priority: 8,
        initiallyHidden: true,
        cell: (row) => t(`source.${sourceOf(row)}`),
      },
      {
        id: 'request_id',
        header: t('column.requestId'),
        width: 200,
        priority: 9,
        initiallyHidden: true,
        cell: ({ request_id }) => <code title={request_id}>{request_id}</code>,
      },
    ]
  }, [t, format, search])
}

type Source = 'measured' | 'derived' | 'estimated' | 'none'

export function sourceOf({ usage_source }: Pick<RequestRow, 'usage_source'>): Source {
  return usage_source as Source
}
