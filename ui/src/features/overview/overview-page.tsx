import { Stack } from '@mantine/core'
import { IconActivity, IconUserPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { LinkButton } from '@/components/link-button'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { RangeChoice } from '@/components/usage/range-choice'
import { AccountsPanel } from './accounts-panel'
import { AttentionPanel } from './attention'
import { liveAccountsQuery, trafficQuery } from './overview-api'
import { TopLists } from './top-lists'
import { Summary, TrafficCharts } from './traffic'

export function OverviewPage() {
  const { t } = useTranslation('overview')
  const { range = '24h' } = useSearch({ from: '/overview' })
  const navigate = useNavigate({ from: '/overview' })
  const accounts = useQuery(liveAccountsQuery)
  const traffic = useQuery(trafficQuery(range))

  if (accounts.data?.length === 0 && traffic.data?.rows.length === 0) {
    return (
      <Page title={t('title')} description={t('description')}>
        <Panel>
          <Message
            icon={IconUserPlus}
            title={t('accounts.none')}
            action={<LinkButton to="/start">{t('accounts.noneAction')}</LinkButton>}
          >
            {t('accounts.noneHint')}
          </Message>
        </Panel>
      </Page>
    )
  }
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <RangeChoice
          value={range}
          onChange={(value) => void navigate({ search: { range: value }, replace: true })}
        />
      }
    >
      <AttentionPanel />
      {traffic.isError && !traffic.data ? (
        <Panel>
          <LoadError
            error={traffic.error}
            onRetry={traffic.refetch}
            retrying={traffic.isFetching}
          />
        </Panel>
      ) : (
        <Stack gap="md" aria-busy={traffic.isPlaceholderData}>
          <Summary traffic={traffic.data} accounts={accounts.data} />
          {traffic.data?.rows.length === 0 ? (
            <Panel>
              <Message icon={IconActivity} title={t('none')}>
                {t('noneHint')}
              </Message>
            </Panel>
          ) : (
            <>
              <TrafficCharts traffic={traffic.data} />
              <TopLists range={range} />
            </>
          )}
        </Stack>
      )}
      {accounts.isPending ? (
        <Loading lines={4} height={28} />
      ) : accounts.isError && !accounts.data ? (
        <Panel title={t('accounts.title')}>
          <LoadError error={accounts.error} onRetry={accounts.refetch} />
        </Panel>
      ) : (
        <AccountsPanel accounts={accounts.data} />
      )}
    </Page>
  )
}
