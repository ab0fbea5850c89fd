import { Button } from '@mantine/core'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { DataTable } from '@/components/data-table/data-table'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { CreateKey } from './dialogs'
import { KeyMenu } from './key-menu'
import { keysQuery } from './keys-api'
import { useKeyColumns } from './keys-columns'

export function KeysPage() {
  const { t } = useTranslation('keys')
  const search = useSearch({ from: '/keys' })
  const navigate = useNavigate({ from: '/keys' })
  const keys = useInfiniteQuery(keysQuery(search))
  const columns = useKeyColumns()
  const [creating, setCreating] = useState(false)
  const change = (part: { q?: string; sort?: string }) =>
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })

  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
          {t('create')}
        </Button>
      }
    >
      <DataTable
        label={t('title')}
        id="keys"
        columns={columns}
        rows={keys.data?.pages.flatMap((page) => page.keys)}
        total={keys.data?.pages[0]?.total}
        rowKey={(key) => key.id}
        error={keys.error}
        onRetry={keys.refetch}
        retrying={keys.isFetching}
        empty={
          <Message
            icon={IconKey}
            title={t('empty')}
            action={<Button onClick={() => setCreating(true)}>{t('emptyAction')}</Button>}
          >
            {t('emptyHint')}
          </Message>
        }
        sort={search.sort}
        onSort={(sort) => change({ sort })}
        search={search.q ?? ''}
        onSearch={(q) => change({ q: q || undefined })}
        actions={(key) => <KeyMenu apiKey={key} />}
        onOpen={(key) => void navigate({ to: '/keys/$id', params: { id: key.id } })}
        onEnd={keys.hasNextPage ? () => void keys.fetchNextPage() : undefined}
        loadingMore={keys.isFetchingNextPage}
      />
      {creating && <CreateKey onClose={() => setCreating(false)} />}
    </Page>
  )
}
