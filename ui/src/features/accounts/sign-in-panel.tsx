import { Button, Group, VisuallyHidden } from '@mantine/core'
import { IconLogin2, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account, KiroStatus } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Panel } from '@/components/panel'
import { Status } from '@/components/status'
import { TimeAgo } from '@/components/time-ago'
import { signInQuery, useRenewToken } from './accounts-api'
import { canBeAsked } from './health'
import { useMethodName } from './method'
import { Problem } from './problem'
import { SignInAccount } from './sign-in-account'
import classes from './account.module.css'

/** How an account is signed in, for how long, and which addresses are used for it. */
export function SignInPanel({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const status = useQuery(signInQuery(account.id))
  const renew = useRenewToken(account.id)
  const [signingIn, setSigningIn] = useState(false)
  // A Kiro API key is what it is: there is nothing to renew.
  const renewable = canBeAsked(account) && account.auth_method !== 'api_key'
  return (
    <Panel
      title={t('signIn.title')}
      aside={
        <Group gap={4}>
          {renewable && (
            <Button
              size="compact-sm"
              variant="subtle"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={renew.isPending}
              onClick={() => renew.mutate()}
            >
              {t('signIn.renew')}
            </Button>
          )}
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconLogin2 size={14} aria-hidden />}
            onClick={() => setSigningIn(true)}
          >
            {t(account.token_info.has_token ? 'signIn.again' : 'signIn.action')}
          </Button>
        </Group>
      }
    >
      <Problem error={renew.error} />
      <VisuallyHidden role="status">{renew.isSuccess ? t('signIn.renewed') : ''}</VisuallyHidden>
      {status.isPending && <Loading lines={3} />}
      {status.isError && !status.data && (
        <LoadError error={status.error} onRetry={status.refetch} retrying={status.isFetching} />
      )}
      {status.data && <Facts account={account} status={status.data} />}
      {signingIn && <SignInAccount account={account} onClose={() => setSigningIn(false)} />}
    </Panel>
  )
}

function Facts({ account, status }: { account: Account; status: KiroStatus }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const method = useMethodName()
  const none = t('common:time.none')
  return (
    <>
      <Details
        items={[
          [t('signIn.method'), method(status.auth_method) ?? none],
          [t('signIn.token'), <TokenState key="token" status={status} />],
          [
            t('signIn.expires'),
            status.expires_at ? (
              <TimeAgo key="expires" time={status.expires_at} />
            ) : status.auth_method === 'api_key' ? (
              t('signIn.tokenKey')
            ) : (
              none
            ),
          ],
          [t('signIn.region'), status.region],
          [
            t('signIn.apiRegion'),
            <>
              {status.api_region}{' '}
              <span className={classes.dimmed}>({t(`signIn.from.${status.api_region_from}`)})</span>
            </>,
          ],
          [t('signIn.proxy'), account.proxy ?? t('none')],
          [
            t('signIn.cap'),
            account.max_concurrent_requests === null
              ? t('field.noLimit')
              : format.number(account.max_concurrent_requests),
          ],
        ]}
      />
      <dl className={classes.addresses}>
        <Address name={t('signIn.profile')} value={status.profile_arn || none} />
        <Address name={t('signIn.runtime')} value={status.endpoints.runtime} />
        <Address name={t('signIn.management')} value={status.endpoints.management} />
        <Address name={t('signIn.signInUrl')} value={status.endpoints.sign_in} />
      </dl>
    </>
  )
}

function TokenState({ status }: { status: KiroStatus }) {
  const { t } = useTranslation('accounts')
  if (!status.has_login) return <Status tone="off" label={t('signIn.tokenNone')} />
  return status.has_current ? (
    <Status tone="ok" label={t('signIn.tokenValid')} />
  ) : (
    <Status tone="warn" label={t('signIn.tokenExpired')} />
  )
}

function Address({ name, value }: { name: string; value: string | null }) {
  if (value === null) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  )
}
