import {
  Autocomplete,
  Button,
  Group,
  NumberInput,
  Select,
  TagsInput,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconSend } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/errors'
import type { Notifications, NotificationsChange } from '@/api/types'
import { ConfirmDialog } from '@/components/dialog/confirm-dialog'
import { FormDialog } from '@/components/dialog/form-dialog'
import {
  changeOf,
  channelProblems,
  channelsWith,
  orderOf,
  ruleProblems,
  ruleValuesOf,
  type ChannelValues,
  type RuleValues,
} from './notification-values'
import { useChangeNotifications, useTestChannel } from './settings-api'
import { TestResult } from './test-result'

type Channel = Notifications['channels'][number]

interface DialogProps {
  settings: Notifications
  onClose: () => void
}

const ZONES = ['Local', 'UTC', ...Intl.supportedValuesOf('timeZone')]

export function RulesDialog({ settings, onClose }: DialogProps) {
  const { t } = useTranslation(['settings', 'common'])
  const change = useChangeNotifications()
  const form = useForm<RuleValues>({
    initialValues: ruleValuesOf(settings),
    validate: (values) =>
      ruleProblems(values, {
        percent: t('notify.wrong.percent'),
        time: t('notify.wrong.time'),
        interval: t('notify.wrong.interval'),
        required: t('common:form.required'),
      }),
  })
  const tags = (name: 'account_thresholds' | 'total_thresholds' | 'daily_times') => (
    <TagsInput
      label={t(`notify.field.${name}`)}
      description={t(`notify.field.${name}Hint`)}
      splitChars={[',', '，', '、', ' ']}
      acceptValueOnBlur
      {...form.getInputProps(name)}
    />
  )
  return (
    <FormDialog
      opened
      title={t('notify.rulesTitle')}
      form={form}
      submitLabel={t('common:action.save')}
      onClose={onClose}
      onSubmit={async (values) => {
        await change.mutateAsync(changeOf(values))
        onClose()
      }}
    >
      {tags('account_thresholds')}
      {tags('total_thresholds')}
      {tags('daily_times')}
      <Autocomplete
        label={t('notify.field.timezone')}
        description={t('notify.field.timezoneHint')}
        data={ZONES}
        limit={30}
        {...form.getInputProps('timezone')}
      />
      <Select
        label={t('notify.field.language')}
        allowDeselect={false}
        data={(['en', 'zh'] as const).map((value) => ({
          value,
          label: t(`notify.language.${value}`),
        }))}
        {...form.getInputProps('language')}
      />
      <NumberInput
        label={t('notify.field.check_interval_seconds')}
        description={t('notify.field.check_interval_secondsHint')}
        hideControls
        allowNegative={false}
        {...form.getInputProps('check_interval_seconds')}
      />
    </FormDialog>
  )
}

export function ChannelDialog({
  settings,
  channel,
  onClose,
}: DialogProps & { channel: Channel | null }) {
  const { t } = useTranslation(['settings', 'common'])
  const change = useChangeNotifications()
  const test = useTestChannel()
  const said = { url: t('notify.wrong.url'), required: t('common:form.required') }
  const form = useForm<ChannelValues>({
    initialValues: { type: channel?.type ?? 'teams', name: channel?.name ?? '', url: '' },
    validate: (values) => channelProblems(values, channel === null, said),
  })
  const name = channel && (channel.name || t(`notify.type.${channel.type}`))
  const tryOut = async () => {
    if (form.validate().hasErrors) return
    try {
      await test.mutateAsync({ channel: orderOf(form.getValues(), channel) })
    } catch {
      // Shown below the button.
    }
  }
  return (
    <FormDialog
      opened
      title={name ? t('notify.editTitle', { name }) : t('notify.addTitle')}
      form={form}
      submitLabel={channel ? t('common:action.save') : t('common:action.add')}
      onClose={onClose}
      onSubmit={async (values) => {
        const order = orderOf(values, channel)
        await named(() =>
          change.mutateAsync({ channels: channelsWith(settings.channels, channel, order) }),
        )
        onClose()
      }}
    >
      <Select
        label={t('notify.field.type')}
        allowDeselect={false}
        data={(['teams', 'slack', 'webhook'] as const).map((value) => ({
          value,
          label: t(`notify.type.${value}`),
        }))}
        {...form.getInputProps('type')}
      />
      <TextInput
        label={t('notify.field.name')}
        description={t('notify.field.nameHint')}
        maxLength={64}
        data-autofocus
        {...form.getInputProps('name')}
      />
      <TextInput
        label={t('notify.field.url')}
        description={channel ? t('notify.field.urlKept') : t('notify.field.urlHint')}
        placeholder={channel?.url ?? 'https://'}
        withAsterisk={!channel}
        maxLength={2048}
        autoComplete="off"
        spellCheck={false}
        {...form.getInputProps('url')}
      />
      <Group gap="sm" role="status">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconSend size={14} aria-hidden />}
          loading={test.isPending}
          onClick={() => void tryOut()}
        >
          {t('notify.test')}
        </Button>
        {!test.isPending && <TestResult result={test.data?.results[0]} error={test.error} />}
      </Group>
    </FormDialog>
  )
}

const OF_CHANNEL = /^channels?\[?\d*\]?[.:]\s*/

/** The gateway names the channel by its number in the list; here it is the one in the form. */
async function named<Result>(doing: () => Promise<Result>): Promise<Result> {
  try {
    return await doing()
  } catch (error) {
    if (!(error instanceof ApiError) || !OF_CHANNEL.test(error.message)) throw error
    const rest = error.message.replace(OF_CHANNEL, '')
    const message = /^(type|name|url)\b/.test(rest) ? rest : `url: ${rest}`
    throw new ApiError(message, error.status, error.type)
  }
}

interface DeleteProps extends DialogProps {
  channel: Channel
  name: string
}

export function DeleteChannelDialog({ channel, name, settings, onClose }: DeleteProps) {
  const { t } = useTranslation('settings')
  const change = useChangeNotifications()
  return (
    <ConfirmDialog
      opened
      danger
      title={t('notify.deleteTitle', { name })}
      confirmLabel={t('notify.deleteConfirm')}
      onClose={onClose}
      onConfirm={async () => {
        await change.mutateAsync({ channels: channelsWith(settings.channels, channel, null) })
        onClose()
      }}
    >
      {t('notify.deleteText')}
    </ConfirmDialog>
  )
}

/** Null for each: what the file says counts again. */
const TAKEN_BACK: NotificationsChange = {
  enabled: null,
  language: null,
  timezone: null,
  check_interval_seconds: null,
  account_thresholds: null,
  total_thresholds: null,
  daily_times: null,
  channels: null,
}

export function ResetDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('settings')
  const change = useChangeNotifications()
  return (
    <ConfirmDialog
      opened
      danger
      title={t('notify.resetTitle')}
      confirmLabel={t('notify.reset')}
      onClose={onClose}
      onConfirm={async () => {
        await change.mutateAsync(TAKEN_BACK)
        onClose()
      }}
    >
      {t('notify.resetText')}
    </ConfirmDialog>
  )
}
