import { Button, Group, Switch, Text } from '@mantine/core'
import { IconBellOff, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { Notifications } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { Panel } from '@/components/panel'
import { ChannelRow } from './channel-row'
import { ChannelDialog, ResetDialog, RulesDialog } from './dialogs'
import { notificationsQuery, useChangeNotifications } from './settings-api'
import classes from './settings.module.css'

/** Who is told what, and whether it arrives. */
export function NotificationsTab() {
  const { t } = useTranslation('settings')
  const notifications = useQuery(notificationsQuery)
  const { data } = notifications
  if (notifications.isPending) return <Loading label={t('notify.title')} lines={8} />
  if (!data) {
    return (
      <LoadError
        error={notifications.error}
        onRetry={notifications.refetch}
        retrying={notifications.isFetching}
      />
    )
  }
  return (
    <>
      <OnOff settings={data} />
      <Channels settings={data} />
      <Rules settings={data} />
    </>
  )
}

interface PartProps {
  settings: Notifications
}

function OnOff({ settings }: PartProps) {
  const { t } = useTranslation(['settings', 'common'])
  const change = useChangeNotifications()
  return (
    <Panel>
      <Group justify="space-between">
        <Switch
          label={t('notify.switch')}
          checked={settings.enabled}
          disabled={change.isPending}
          onChange={(event) => change.mutate({ enabled: event.currentTarget.checked })}
        />
        <From settings={settings} name="enabled" />
      </Group>
      {change.isError && (
        <Text size="sm" c="var(--ui-bad)" mt="xs" role="alert">
          {change.error instanceof Unreachable
            ? t('common:state.unreachable')
            : change.error.message}
        </Text>
      )}
    </Panel>
  )
}

function Channels({ settings }: PartProps) {
  const { t } = useTranslation('settings')
  const [adding, setAdding] = useState(false)
  const { channels, deliveries } = settings
  const add = (
    <Button
      size="xs"
      variant={channels.length ? 'default' : 'filled'}
      leftSection={<IconPlus size={15} aria-hidden />}
      onClick={() => setAdding(true)}
    >
      {t('notify.add')}
    </Button>
  )
  return (
    <Panel title={t('notify.channels')} aside={channels.length > 0 && add} flush>
      {channels.length === 0 ? (
        <Message icon={IconBellOff} title={t('notify.noChannels')} action={add}>
          {t('notify.noChannelsHint')}
        </Message>
      ) : (
        <ul className={classes.channels}>
          {channels.map((channel) => (
            <ChannelRow
              key={channel.id}
              channel={channel}
              delivery={deliveries.find(({ id }) => id === channel.id)}
              settings={settings}
            />
          ))}
        </ul>
      )}
      {adding && (
        <ChannelDialog channel={null} settings={settings} onClose={() => setAdding(false)} />
      )}
    </Panel>
  )
}

function Rules({ settings }: PartProps) {
  const { t } = useTranslation(['settings', 'common'])
  const format = useFormat()
  const [dialog, setDialog] = useState<'rules' | 'reset' | null>(null)
  const close = () => setDialog(null)
  const saved = Object.values(settings.sources).includes('saved')
  const percents = (values: number[]) =>
    format.list(values.map((value) => t('notify.percent', { value }))) || t('notify.noThresholds')
  const item = (name: keyof Notifications, value: string): [string, React.ReactNode] => [
    t(`notify.field.${name as 'timezone'}`),
    <div key={name}>
      {value}
      <From settings={settings} name={name} />
    </div>,
  ]
  return (
    <Panel
      title={t('notify.rules')}
      aside={
        <Group gap="xs">
          {saved && (
            <Button size="xs" variant="subtle" color="gray" onClick={() => setDialog('reset')}>
              {t('notify.useFile')}
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => setDialog('rules')}>
            {t('notify.edit')}
          </Button>
        </Group>
      }
    >
      <Details
        items={[
          item('account_thresholds', percents(settings.account_thresholds)),
          item('total_thresholds', percents(settings.total_thresholds)),
          item('daily_times', format.list(settings.daily_times) || t('notify.noTimes')),
          item('timezone', settings.timezone),
          item('language', t(`notify.language.${settings.language}`)),
          item('check_interval_seconds', format.duration(settings.check_interval_seconds * 1000)),
        ]}
      />
      {dialog === 'rules' && <RulesDialog settings={settings} onClose={close} />}
      {dialog === 'reset' && <ResetDialog onClose={close} />}
    </Panel>
  )
}

/** Where a value comes from, in small. */
function From({ settings, name }: PartProps & { name: string }) {
  const { t } = useTranslation('settings')
  const source = settings.sources[name] ?? 'default'
  const known = ({ default: 'default', saved: 'saved', unknown: 'unknown' } as const)[source]
  return (
    <Text size="xs" c="dimmed">
      {known ? t(`config.${known}`) : t('notify.from', { source })}
    </Text>
  )
}
