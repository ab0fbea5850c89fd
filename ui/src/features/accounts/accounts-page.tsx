import { Button, SegmentedControl } from '@mantine/core'
import { IconFilterOff, IconPlus, IconUserBolt } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { DataTable } from '@/components/data-table/data-table'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { AccountMenu } from './account-menu'
import { liveAccountsQuery, recentUseQuery } from './accounts-api'
import { useAccountColumns } from './accounts-columns'
import { Attention } from './attention'
import { AddAccount } from './dialogs'
import { quotaOfAll } from './quota'
import { chosenRows, rowsOf, sortedRows, type AccountRow } from './rows'
import { SHOWN, type AccountsSearch } from './search'

export function AccountsPage() {
  const { t } = useTranslation('accounts')
  const search = useSearch({ from: '/accounts' })
  const navigate = useNavigate({ from: '/accounts' })
  const accounts = useQuery(liveAccountsQuery)
  const recent = useQuery(recentUseQuery)
  const columns = useAccountColumns()
  const [adding, setAdding] = useState(false)
  const change = (part: AccountsSearch) =>
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })
  const { q = '', sort, show } = search
  const all = useMemo(
    () => accounts.data && rowsOf(accounts.data, recent.data),
    [accounts.data, recent.data],
  )
  const rows = useMemo(
    () => all && sortedRows(chosenRows(all, q, show), sort),
    [all, q, show, sort],
  )

  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
          {t('add')}
        </Button>
      }
    >
      {accounts.data && all && all.length > 0 && (
        <>
          <Summary accounts={accounts.data} rows={all} />
          <Attention accounts={accounts.data} onAll={() => change({ show: 'attention' })} />
        </>
      )}
      <DataTable
        label={t('title')}
        id="accounts"
        columns={columns}
        rows={rows}
        rowKey={({ account }) => account.id}
        error={accounts.error}
        onRetry={accounts.refetch}
        retrying={accounts.isFetching}
        empty={
          <Message
            icon={IconUserBolt}
            title={t('empty')}
            action={<Button onClick={() => setAdding(true)}>{t('emptyAction')}</Button>}
          >
            {t('emptyHint')}
          </Message>
        }
        noMatch={
          show && (
            <Message
              icon={IconFilterOff}
              title={t('filter.none')}
              action={
                <Button
                  variant="default"
                  size="xs"
                  onClick={() => change({ show: undefined, q: undefined })}
                >
                  {t('filter.showAll')}
                </Button>
              }
            >
              {t('filter.noneHint')}
            </Message>
          )
        }
        sort={sort}
        onSort={(sort) => change({ sort })}
        search={q}
        onSearch={(q) => change({ q: q || undefined })}
        filters={
          <SegmentedControl
            size="xs"
            aria-label={t('filter.label')}
            data={[
              { value: '', label: t('filter.all') },
              ...SHOWN.map((value) => ({ value, label: t(`filter.${value}`) })),
            ]}
            value={show ?? ''}
            onChange={(value) => change({ show: SHOWN.find((known) => known === value) })}
          />
        }
        actions={({ account }) => <AccountMenu account={account} />}
        onOpen={({ account: { id } }) => void navigate({ to: '/accounts/$id', params: { id } })}
      />
      {adding && (
        <AddAccount
          onClose={() => setAdding(false)}
          onAdded={({ id, token_info: { has_token } }) =>
            void navigate({
              to: has_token ? '/accounts/$id' : '/accounts/$id/sign-in',
              params: { id },
            })
          }
        />
      )}
    </Page>
  )
}

function Summary({ accounts, rows }: { accounts: Account[]; rows: AccountRow[] }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const serving = accounts.filter(({ health }) => health.healthy).length
  const quota = quotaOfAll(accounts)
  const sum = (values: (number | null)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0)
  const requests = sum(rows.map((row) => row.requests))
  const errors = sum(rows.map((row) => row.errors))
  return (
    <Figures>
      <Figure
        label={t('figure.serving')}
        value={format.number(serving)}
        note={t('figure.servingOf', { total: format.number(accounts.length) })}
      />
      <Figure
        label={t('figure.left')}
        value={quota ? format.credits(quota.remaining) : t('common:time.none')}
        note={quota ? t('figure.leftOf', { limit: format.credits(quota.limit) }) : t('unknown')}
      />
      <Figure label={t('figure.requests')} value={format.number(requests)} note={t('figure.day')} />
      <Figure label={t('figure.errors')} value={format.number(errors)} note={t('figure.day')} />
    </Figures>
  )
}
