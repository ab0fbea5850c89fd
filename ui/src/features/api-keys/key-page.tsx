import { Button, Text } from '@mantine/core'
import { IconPencil, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import type { ApiKey } from '@/api/types'
import { Details } from '@/components/details'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { ClientSnippets } from '@/components/snippets/client-snippets'
import { TimeAgo } from '@/components/time-ago'
import { ChangeKey, RotateKey } from './dialogs'
import { KeyMenu } from './key-menu'
import { KeyStatus } from './key-status'
import { KeyUsage } from './key-usage'
import { keyQuery, standingQuery } from './keys-api'
import { LimitMeters } from './limits'

export function KeyPage() {
  const { t } = useTranslation('keys')
  const { id } = useParams({ from: '/keys/$id' })
  const navigate = useNavigate()
  const key = useQuery(keyQuery(id))
  const [dialog, setDialog] = useState<'change' | 'rotate' | null>(null)
  const back = { to: '/keys', label: t('title') }

  if (key.isPending) {
    return (
      <Page title={t('one')} back={back}>
        <Loading label={t('one')} lines={8} />
      </Page>
    )
  }
  if (key.isError) {
    return (
      <Page title={t('one')} back={back}>
        <LoadError error={key.error} onRetry={key.refetch} retrying={key.isFetching} />
      </Page>
    )
  }
  const apiKey = key.data
  return (
    <Page
      title={apiKey.name}
      back={back}
      badge={<KeyStatus apiKey={apiKey} />}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={() => setDialog('change')}
          >
            {t('edit')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={() => setDialog('rotate')}
          >
            {t('rotate.action')}
          </Button>
          <KeyMenu apiKey={apiKey} onDeleted={() => void navigate({ to: '/keys' })} />
        </>
      }
    >
      <Standing apiKey={apiKey} />
      <KeyUsage id={id} />
      <Connect apiKey={apiKey} />
      <KeyDetails apiKey={apiKey} />
      {dialog === 'change' && <ChangeKey apiKey={apiKey} onClose={() => setDialog(null)} />}
      {dialog === 'rotate' && <RotateKey apiKey={apiKey} onClose={() => setDialog(null)} />}
    </Page>
  )
}

interface PartProps {
  apiKey: ApiKey
}

function Standing({ apiKey }: PartProps) {
  const { t } = useTranslation('keys')
  const format = useFormat()
  const standing = useQuery(standingQuery(apiKey.id))
  const [limiting, setLimiting] = useState(false)
  if (standing.isPending) return <Loading lines={3} height={28} />
  if (standing.isError) {
    return (
      <Panel>
        <LoadError error={standing.error} onRetry={standing.refetch} />
      </Panel>
    )
  }
  const { last_24_hours: day, this_month: month, limits } = standing.data
  const tokens =
    day.input_tokens + day.output_tokens + day.cache_read_tokens + day.cache_write_tokens
  return (
    <>
      <Figures>
        <Figure
          label={t('figure.requests')}
          value={format.number(day.requests)}
          note={t('figure.day')}
        />
        <Figure
          label={t('figure.errors')}
          value={format.number(day.errors)}
          note={t('figure.day')}
        />
        <Figure label={t('figure.tokens')} value={format.compact(tokens)} note={t('figure.day')} />
        <Figure
          label={t('figure.credits')}
          value={format.credits(month.credits)}
          note={t('figure.month')}
        />
      </Figures>
      <Panel
        title={t('limit.title')}
        aside={
          <Button size="compact-sm" variant="subtle" onClick={() => setLimiting(true)}>
            {limits.length ? t('limit.change') : t('limit.set')}
          </Button>
        }
      >
        {limits.length ? (
          <LimitMeters limits={limits} />
        ) : (
          <Text size="sm" c="dimmed">
            {t('limit.noneHint')}
          </Text>
        )}
      </Panel>
      {limiting && <ChangeKey apiKey={apiKey} showLimits onClose={() => setLimiting(false)} />}
    </>
  )
}

function Connect({ apiKey }: PartProps) {
  const { t } = useTranslation('keys')
  const models = useQuery(modelsQuery(apiKey.kiro_default_account))
  const names = apiKey.allowed_models.length
    ? apiKey.allowed_models
    : (models.data ?? []).map(({ model_id }) => model_id)
  return (
    <Panel title={t('connect.title')}>
      <Text size="sm" c="dimmed" mb="sm">
        {t('connect.withoutKey')}
      </Text>
      <ClientSnippets models={names} />
    </Panel>
  )
}

function KeyDetails({ apiKey }: PartProps) {
  const { t } = useTranslation(['keys', 'common'])
  const format = useFormat()
  const never = t('common:time.never')
  return (
    <Panel title={t('details')}>
      <Details
        items={[
          [t('column.prefix'), <code key="prefix">{apiKey.key_prefix}</code>],
          [t('field.accounts'), format.list(apiKey.kiro_accounts) || t('state.noAccount')],
          [t('field.default'), apiKey.kiro_default_account ?? t('common:time.none')],
          [t('field.failover'), apiKey.failover ? t('yes') : t('no')],
          [t('field.models'), format.list(apiKey.allowed_models) || t('field.allModels')],
          [t('field.suppressReasoning'), apiKey.suppress_reasoning ? t('yes') : t('no')],
          [
            t('column.lastUsed'),
            apiKey.last_used_at ? <TimeAgo key="used" time={apiKey.last_used_at} /> : never,
          ],
          [
            t('column.expires'),
            apiKey.expires_at ? format.dateTime(apiKey.expires_at) : t('field.never'),
          ],
          [t('column.created'), format.dateTime(apiKey.created_at)],
          [t('field.notes'), apiKey.notes || null],
        ]}
      />
    </Panel>
  )
}
