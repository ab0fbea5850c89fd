import { Button } from '@mantine/core'
import {
  IconFilterOff,
  IconListDetails,
  IconPlayerPause,
  IconPlayerPlay,
} from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { DataTable } from '@/components/data-table/data-table'
import { useFormat } from '@/components/format'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { Status } from '@/components/status'
import { Filters } from './filters'
import { requestsQuery } from './requests-api'
import { useRequestColumns } from './requests-columns'
import { activeFilters, canBeLive, withoutAny, type RequestSearch } from './search'
import { useLiveRequests } from './use-live-requests'
import { useScrolled } from './use-scrolled'
import classes from './requests.module.css'

export function RequestsPage() {
  const { t } = useTranslation('requests')
  const format = useFormat()
  const search = useSearch({ from: '/requests' })
  const navigate = useNavigate({ from: '/requests' })
  const [paused, setPaused] = useState(false)
  const scrolled = useScrolled()
  const requests = useInfiniteQuery(requestsQuery(search))
  const columns = useRequestColumns(search)
  const [openedAt] = useState(Date.now)
  const enabled = canBeLive(search, openedAt)
  const live = useLiveRequests(search, { enabled, hold: paused || scrolled })
  const rows = useMemo(() => requests.data?.pages.flatMap((page) => page.requests), [requests.data])
  const change = (part: Partial<RequestSearch>) =>
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })
  const filters = activeFilters(search)
  const clear = () => change(withoutAny(search))
  const first = requests.data?.pages[0]

  return (
    <Page
      title={t('title')}
      description={t('description')}
      badge={
        <span className={classes.live} role="status">
          <LiveStatus state={live.state} paused={paused} />
        </span>
      }
      actions={
        enabled && (
          <Button
            variant="default"
            leftSection={
              paused ? (
                <IconPlayerPlay size={16} aria-hidden />
              ) : (
                <IconPlayerPause size={16} aria-hidden />
              )
            }
            onClick={() => setPaused(!paused)}
          >
            {!paused
              ? t('live.pause')
              : live.waiting === 0
                ? t('live.resume')
                : t('live.resumeWith', {
                    count: live.waiting,
                    formatted: format.number(live.waiting),
                  })}
          </Button>
        )
      }
    >
      {scrolled && !paused && live.waiting > 0 && (
        <div className={classes.news}>
          <Button size="xs" radius="xl" onClick={() => window.scrollTo({ top: 0 })}>
            ↑ {t('live.news', { count: live.waiting, formatted: format.number(live.waiting) })}
          </Button>
        </div>
      )}
      <DataTable
        label={t('title')}
        id="requests"
        columns={columns}
        rows={rows}
        total={first?.total}
        totalIsExact={first?.total_is_exact}
        rowKey={(request) => request.id}
        error={requests.error}
        onRetry={requests.refetch}
        retrying={requests.isFetching}
        empty={
          <Message icon={IconListDetails} title={t('empty')}>
            {t('emptyHint')}
          </Message>
        }
        sort={search.sort ?? '-created_at'}
        onSort={(sort) => change({ sort: sort === 'created_at' ? sort : undefined })}
        search={search.q ?? ''}
        searchHint={t('searchHint')}
        onSearch={(q) => change({ q: q || undefined })}
        filters={<Filters search={search} onChange={change} />}
        noMatch={
          filters.length > 0 && (
            <Message
              icon={IconFilterOff}
              title={t('noMatch')}
              action={
                <Button variant="default" size="xs" onClick={clear}>
                  {t('filter.clear')}
                </Button>
              }
            >
              {enabled && t('noMatchHint')}
            </Message>
          )
        }
        onOpen={({ id }) => void navigate({ to: '/requests/$id', params: { id }, search })}
        onEnd={requests.hasNextPage ? () => void requests.fetchNextPage() : undefined}
        loadingMore={requests.isFetchingNextPage}
      />
    </Page>
  )
}

function LiveStatus({
  state,
  paused,
}: {
  state: 'off' | 'connecting' | 'live' | 'lost'
  paused: boolean
}) {
  const { t } = useTranslation('requests')
  if (state === 'live' && paused) return <Status tone="warn" label={t('live.paused')} />
  const tone = { off: 'off', connecting: 'info', live: 'ok', lost: 'bad' } as const
  return <Status tone={tone[state]} label={t(`live.${state}`)} />
}
