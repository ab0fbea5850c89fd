import { Button } from '@mantine/core'
import { IconChartBar, IconListDetails, IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/errors'
import type { Account } from '@/api/types'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { AccountKeys } from './account-keys'
import { AccountMenu } from './account-menu'
import { AccountStatus } from './account-status'
import { accountQuery, recentUseQuery } from './accounts-api'
import { ChangeAccount } from './dialogs'
import { canBeAsked } from './health'
import { HealthPanel } from './health-panel'
import { ModelsPanel } from './models-panel'
import { QuotaPanel } from './quota-panel'
import { SignInPanel } from './sign-in-panel'
import { TestCall } from './test-call'

export function AccountPage() {
  const { t } = useTranslation('accounts')
  const { id } = useParams({ from: '/accounts/$id' })
  const navigate = useNavigate()
  const account = useQuery(accountQuery(id))
  const [changing, setChanging] = useState(false)
  const back = { to: '/accounts', label: t('title') }

  if (account.isPending) {
    return (
      <Page title={t('one')} back={back}>
        <Loading label={t('one')} lines={8} />
      </Page>
    )
  }
  const gone = account.error instanceof ApiError && account.error.status === 404
  if (account.isError && (gone || !account.data)) {
    return (
      <Page title={t('one')} back={back}>
        <LoadError error={account.error} onRetry={account.refetch} retrying={account.isFetching} />
      </Page>
    )
  }
  const { data } = account
  const usable = canBeAsked(data)
  return (
    <Page
      title={data.name}
      description={data.email}
      back={back}
      badge={<AccountStatus health={data.health} />}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconListDetails size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/requests" search={{ account: data.id }} {...props} />}
          >
            {t('links.requests')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconChartBar size={16} aria-hidden />}
            renderRoot={(props) => (
              <Link to="/usage" search={{ account: data.id, group: 'model,day' }} {...props} />
            )}
          >
            {t('links.usage')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={() => setChanging(true)}
          >
            {t('edit')}
          </Button>
          <AccountMenu account={data} onDeleted={() => void navigate({ to: '/accounts' })} />
        </>
      }
    >
      <RecentUse account={data} />
      <HealthPanel account={data} />
      {usable && <QuotaPanel account={data} />}
      {usable && (
        <Panel title={t('test.title')}>
          <TestCall account={data} />
        </Panel>
      )}
      <SignInPanel account={data} />
      {usable && <ModelsPanel account={data} />}
      <AccountKeys id={data.id} />
      {changing && <ChangeAccount account={data} onClose={() => setChanging(false)} />}
    </Page>
  )
}

function RecentUse({ account }: { account: Account }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const recent = useQuery(recentUseQuery)
  if (!recent.data) return null
  const sums = recent.data.get(account.id)
  const first = sums?.average_first_token_ms
  return (
    <Figures>
      <Figure
        label={t('figure.requests')}
        value={format.number(sums?.total_requests ?? 0)}
        note={t('figure.day')}
      />
      <Figure
        label={t('figure.errors')}
        value={format.number(sums?.errors ?? 0)}
        note={t('figure.day')}
      />
      <Figure
        label={t('figure.credits')}
        value={format.credits(sums?.credits ?? 0)}
        note={t('figure.day')}
      />
      <Figure
        label={t('figure.firstToken')}
        value={typeof first === 'number' ? format.duration(first) : t('common:time.none')}
        note={t('figure.firstTokenNote')}
      />
    </Figures>
  )
}
