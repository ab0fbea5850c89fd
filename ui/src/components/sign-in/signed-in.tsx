import { Button, Group } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, send } from '@/api/client'
import { ApiError } from '@/api/errors'
import { Details } from '../details'
import { useFormat } from '../format'
import { Message } from '../message'
import { Status } from '../status'
import type { Again } from './login-view'
import { checkQuery } from './sign-in-api'
import classes from './sign-in.module.css'

interface SignedInProps {
  account: { id: string; name: string }
  onDone: () => void
  doneLabel?: string
  onAgain: Again
}

/** A sign-in is stored; whether Kiro accepts it is asked at once, and told. */
export function SignedIn({ account, onDone, doneLabel, onAgain }: SignedInProps) {
  const { t } = useTranslation(['sign-in', 'common'])
  const format = useFormat()
  const check = useQuery(checkQuery(account.id))
  // After the check, which also finds out whose account it is.
  const now = useQuery({
    queryKey: ['accounts', 'one', account.id, 'signed in', check.isPending],
    queryFn: ({ signal }) =>
      send(api.GET('/admin/accounts/{id}', { params: { path: { id: account.id } }, signal })),
    gcTime: 0,
    retry: false,
  })
  // 409: the sign-in itself is refused. Anything else may pass.
  const refused = check.error instanceof ApiError && check.error.status === 409
  const quota = check.data
  const how = now.data?.auth_method
  return (
    <div role="status">
      <Message
        icon={refused ? IconAlertTriangle : IconCircleCheck}
        tone={refused ? 'bad' : 'good'}
        title={refused ? t('result.refused') : t('result.done', { name: account.name })}
        action={
          <Group gap="xs" justify="center">
            {refused && (
              <Button variant="default" onClick={() => onAgain('choice')}>
                {t('result.otherWay')}
              </Button>
            )}
            {refused && <Button onClick={() => onAgain('form')}>{t('result.again')}</Button>}
            {!refused && (
              <Button data-autofocus onClick={onDone}>
                {doneLabel ?? t('common:action.done')}
              </Button>
            )}
          </Group>
        }
      >
        {check.isPending && <Status tone="info" label={t('result.checking')} />}
        {quota && <Status tone="ok" label={t('result.works')} />}
        {refused && t('result.refusedHint')}
        {check.error && !refused && <Status tone="warn" label={t('result.unchecked')} />}
        {check.error && <div className={classes.detail}>{check.error.message}</div>}
        {!refused && (
          <div className={classes.facts}>
            <Details
              items={[
                [t('result.how'), how ? t(`how.${how as 'social'}`) : null],
                [t('result.email'), quota?.email ?? now.data?.email ?? null],
                [t('result.plan'), quota?.subscription_title || null],
                [
                  t('result.credits'),
                  quota?.known
                    ? t('result.creditsOf', {
                        left: format.credits(quota.total.remaining),
                        limit: format.credits(quota.total.limit),
                      })
                    : null,
                ],
              ]}
            />
          </div>
        )}
      </Message>
    </div>
  )
}
