import { ActionIcon, Button, Group } from '@mantine/core'
import { IconPencil, IconSend, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Notifications } from '@/api/types'
import { TimeAgo } from '@/components/time-ago'
import { Status } from '@/components/status'
import { ChannelDialog, DeleteChannelDialog } from './dialogs'
import { useTestChannel } from './settings-api'
import { TestResult } from './test-result'
import classes from './settings.module.css'

interface ChannelRowProps {
  channel: Notifications['channels'][number]
  delivery: Notifications['deliveries'][number] | undefined
  settings: Notifications
}

/** A channel: where it leads, whether things arrive, and a way to try it. */
export function ChannelRow({ channel, delivery, settings }: ChannelRowProps) {
  const { t } = useTranslation('settings')
  const test = useTestChannel()
  const [dialog, setDialog] = useState<'edit' | 'delete' | null>(null)
  const close = () => setDialog(null)
  const name = channel.name || t(`notify.type.${channel.type}`)
  return (
    <li className={classes.channel}>
      <div>
        <div className={classes.channelName}>{name}</div>
        <div className={classes.channelMore}>
          <span>{t(`notify.type.${channel.type}`)}</span>
          <code>{channel.url}</code>
          <Delivery delivery={delivery} />
        </div>
      </div>
      <Group gap={6}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconSend size={14} aria-hidden />}
          aria-label={t('notify.testOf', { name })}
          loading={test.isPending}
          onClick={() => test.mutate({ channel: { id: channel.id } })}
        >
          {t('notify.test')}
        </Button>
        <ActionIcon aria-label={t('notify.editOf', { name })} onClick={() => setDialog('edit')}>
          <IconPencil size={17} aria-hidden />
        </ActionIcon>
        <ActionIcon aria-label={t('notify.deleteOf', { name })} onClick={() => setDialog('delete')}>
          <IconTrash size={17} aria-hidden />
        </ActionIcon>
      </Group>
      <div className={classes.tested} role="status" hidden={test.isIdle || test.isPending}>
        {!test.isPending && <TestResult result={test.data?.results[0]} error={test.error} />}
      </div>
      {dialog === 'edit' && <ChannelDialog channel={channel} settings={settings} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteChannelDialog channel={channel} name={name} settings={settings} onClose={close} />
      )}
    </li>
  )
}

function Delivery({ delivery }: Pick<ChannelRowProps, 'delivery'>) {
  const { t } = useTranslation('settings')
  if (!delivery || (!delivery.delivered_at && !delivery.failures)) {
    return <span>{t('notify.never')}</span>
  }
  if (delivery.failures === 0 && delivery.delivered_at) {
    return (
      <span>
        {t('notify.delivered')} <TimeAgo time={delivery.delivered_at} />
      </span>
    )
  }
  return (
    <>
      <Status tone="bad" label={t('notify.failing', { count: delivery.failures })} />
      <span>{delivery.last_error}</span>
      {delivery.retry_at && (
        <span>
          {t('notify.retry')} <TimeAgo time={delivery.retry_at} />
        </span>
      )}
    </>
  )
}
