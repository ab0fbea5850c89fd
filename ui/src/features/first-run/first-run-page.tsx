import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery } from '@/api/accounts'
import { skipFirstRun } from '@/api/first-run'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Page } from '@/components/page'
import { keysQuery, requestedQuery } from './first-run-api'
import { SetUp } from './set-up'

/** From an empty gateway to the first answer. What is there already counts as done. */
export function FirstRunPage() {
  const { t } = useTranslation('first-run')
  const navigate = useNavigate()
  const client = useQueryClient()
  // The first step is where the gateway is now, not where another page last saw it.
  const fresh = { refetchOnMount: 'always' } as const
  const accounts = useQuery({ ...everyAccountQuery, ...fresh })
  const keys = useQuery({ ...keysQuery, ...fresh })
  const requested = useQuery({ ...requestedQuery, ...fresh })
  const queries = [accounts, keys, requested]
  const known = queries.every(({ isFetchedAfterMount }) => isFetchedAfterMount)
  const failed = queries.find(({ isLoadingError }) => isLoadingError)
  const leave = () => {
    skipFirstRun()
    void client.invalidateQueries({ queryKey: ['first-run'] })
    void navigate({ to: '/' })
  }
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <Button variant="subtle" color="gray" onClick={leave}>
          {t('skip')}
        </Button>
      }
    >
      {failed?.error ? (
        <LoadError
          error={failed.error}
          retrying={failed.isFetching}
          onRetry={() => Promise.all(queries.map(({ refetch }) => refetch()))}
        />
      ) : known && accounts.data && keys.data && requested.data !== undefined ? (
        <SetUp
          accounts={accounts.data}
          keys={keys.data}
          requested={requested.data}
          onFinish={leave}
        />
      ) : (
        <Loading lines={5} height={44} />
      )}
    </Page>
  )
}
