import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { api, send } from '@/api/client'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { SignIn } from '@/components/sign-in/sign-in'
import classes from './account-sign-in.module.css'

/** The sign-in dialog as a page, for links to it and for a reload in the middle of it. */
export function AccountSignInPage() {
  const { t } = useTranslation('sign-in')
  const { id } = useParams({ from: '/accounts/$id/sign-in' })
  const navigate = useNavigate()
  const account = useQuery({
    queryKey: ['accounts', 'one', id],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/accounts/{id}', { params: { path: { id } }, signal })),
  })
  const name = account.data?.name ?? ''
  return (
    <Page
      title={t('title', { name })}
      description={t('pageHint')}
      back={{ to: `/accounts/${id}`, label: name || '…' }}
    >
      <div className={classes.narrow}>
        <Panel>
          {account.isPending && <Loading lines={4} />}
          {account.isLoadingError && (
            <LoadError
              error={account.error}
              onRetry={account.refetch}
              retrying={account.isFetching}
            />
          )}
          {account.data && (
            <SignIn
              account={account.data}
              onDone={() => void navigate({ to: '/accounts/$id', params: { id } })}
            />
          )}
        </Panel>
      </div>
    </Page>
  )
}
