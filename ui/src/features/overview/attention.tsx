import { Skeleton } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconAlertCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account, Concern } from '@/api/types'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Panel } from '@/components/panel'
import { TimeAgo } from '@/components/time-ago'
import { attentionQuery } from './overview-api'
import { AccountWay, ErrorsWay, KeyWay, SignInWay } from './ways'
import classes from './overview.module.css'

/** What somebody has to do something about, each with the way there. */
export function AttentionPanel() {
  const { t } = useTranslation('overview')
  const attention = useQuery(attentionQuery)
  if (attention.isPending) return <Skeleton height={56} />
  if (attention.isError && !attention.data) {
    return (
      <Panel title={t('attention.title')}>
        <LoadError error={attention.error} onRetry={attention.refetch} />
      </Panel>
    )
  }
  if (attention.data.length === 0) {
    return (
      <div className={classes.fine} role="status">
        <IconCircleCheck size={20} aria-hidden />
        <div>
          <b>{t('attention.fine')}</b>
          <span>{t('attention.fineHint')}</span>
        </div>
      </div>
    )
  }
  return (
    <Panel title={t('attention.title')}>
      <ul className={classes.concerns}>
        {attention.data.map((concern) => (
          <ConcernItem key={`${concern.kind} ${concern.id} ${concern.about}`} concern={concern} />
        ))}
      </ul>
    </Panel>
  )
}

function ConcernItem({ concern }: { concern: Concern }) {
  const { t } = useTranslation('overview')
  const { title, hint, at, action } = useWords(concern)
  const Icon = concern.severity === 'critical' ? IconAlertCircle : IconAlertTriangle
  return (
    <li className={classes.concern} data-severity={concern.severity}>
      <Icon size={20} aria-label={t(`attention.${concern.severity}`)} />
      <div className={classes.words}>
        <b>{title}</b>
        <span>
          {at}
          {at && ' · '}
          {hint}
        </span>
      </div>
      {action}
    </li>
  )
}

interface Words {
  title: string
  hint: string
  at: ReactNode
  action: ReactNode
}

function useWords(concern: Concern): Words {
  const { t } = useTranslation('overview')
  const format = useFormat()
  const { kind, id, about, used, limit, at } = concern
  const name = concern.name ?? ''
  const share = limit ? (used ?? 0) / limit : 1
  const time = at && kind !== 'errors' ? <TimeAgo time={at} /> : null
  switch (kind) {
    case 'account': {
      const state = about as Account['health']['state']
      const signIn = state === 'sign_in_required' || state === 'not_signed_in'
      // What went wrong is known to the gateway alone; the rest can be said in any language.
      const told = state === 'failing' || state === 'forbidden' ? concern.reason : null
      return {
        title: t('attention.account', { name, state: t(`state.${state}`) }),
        hint: told ?? t(`trouble.${state}`),
        at: time && (
          <>
            {t('accounts.until')} {time}
          </>
        ),
        action: signIn ? (
          <SignInWay id={id ?? ''}>{t('attention.signInAction')}</SignInWay>
        ) : (
          <AccountWay id={id ?? ''}>{t('attention.accountAction')}</AccountWay>
        ),
      }
    }
    case 'quota':
      return {
        title: t('attention.quota', { name, percent: format.percent(share) }),
        hint: t('attention.quotaHint', {
          left: format.credits(Math.max(0, (limit ?? 0) - (used ?? 0))),
          limit: format.credits(limit ?? 0),
        }),
        at: time && (
          <>
            {t('accounts.resets')} {time}
          </>
        ),
        action: <AccountWay id={id ?? ''}>{t('attention.quotaAction')}</AccountWay>,
      }
    case 'key_expiry': {
      const ended = concern.severity === 'critical'
      return {
        title: t(ended ? 'attention.expired' : 'attention.expires', { name }),
        hint: t(ended ? 'attention.expiredHint' : 'attention.expiresHint'),
        at: (
          <>
            {t(ended ? 'attention.ended' : 'attention.ends')} {time}
          </>
        ),
        action: <KeyWay id={id ?? ''}>{t('attention.expiryAction')}</KeyWay>,
      }
    }
    case 'key_limit': {
      const credits = about === 'credits_per_month'
      const write = credits ? format.credits : format.number
      return {
        title:
          share >= 1
            ? t('attention.limitReached', { name })
            : t('attention.limit', { name, percent: format.percent(share) }),
        hint: t('attention.limitHint', {
          used: write(used ?? 0),
          limit: write(limit ?? 0),
          unit: t(credits ? 'attention.credits_per_month' : 'attention.tokens_per_day'),
        }),
        at: time && (
          <>
            {t('accounts.resets')} {time}
          </>
        ),
        action: <KeyWay id={id ?? ''}>{t('attention.limitAction')}</KeyWay>,
      }
    }
    case 'errors':
      return {
        title: t('attention.errors', { percent: format.percent(share) }),
        hint: t('attention.errorsHint', {
          errors: format.number(used ?? 0),
          requests: format.number(limit ?? 0),
        }),
        at: null,
        action: <ErrorsWay>{t('attention.errorsAction')}</ErrorsWay>,
      }
  }
}
