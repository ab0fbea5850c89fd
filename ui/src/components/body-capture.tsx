import { Button, Group, NativeSelect, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import { settingsQuery, useBodyCapture } from '@/api/settings'
import { lazyDialog } from './dialog/lazy-dialog'
import { useFormat } from './format'
import { Status } from './status'
import { useNow } from './time-ago'

const ConfirmDialog = lazyDialog(
  async () => (await import('./dialog/confirm-dialog')).ConfirmDialog,
)

const MINUTES = [15, 60, 240, 1440]

/** Whether the bodies of requests are stored just now, and a switch for some time. */
export function BodyCapture() {
  const { t } = useTranslation()
  const format = useFormat()
  const now = useNow()
  const settings = useQuery(settingsQuery)
  const capture = useBodyCapture()
  const [minutes, setMinutes] = useState(15)
  const [asking, setAsking] = useState(false)
  const until = settings.data?.body_capture_until
  const on = !!until && Date.parse(until) > now
  const duration = (value: number) => t(`capture.for${value as 15 | 60 | 240 | 1440}`)

  return (
    <div>
      <Group gap="sm">
        {on ? (
          <>
            <Status tone="warn" label={t('capture.on', { time: format.dateTime(until) })} />
            <Button
              variant="default"
              size="xs"
              loading={capture.isPending}
              onClick={() => capture.mutate(0)}
            >
              {t('capture.stop')}
            </Button>
          </>
        ) : (
          <>
            <NativeSelect
              size="xs"
              aria-label={t('capture.howLong')}
              value={String(minutes)}
              onChange={(event) => setMinutes(Number(event.currentTarget.value))}
              data={MINUTES.map((value) => ({ value: String(value), label: duration(value) }))}
            />
            <Button
              variant="default"
              size="xs"
              disabled={settings.isPending}
              onClick={() => setAsking(true)}
            >
              {t('capture.start')}
            </Button>
          </>
        )}
      </Group>
      {capture.isError && !asking && (
        <Text size="sm" c="var(--ui-bad)" mt="xs" role="alert">
          {capture.error instanceof Unreachable ? t('state.unreachable') : capture.error.message}
        </Text>
      )}
      {asking && (
        <ConfirmDialog
          opened
          title={t('capture.title')}
          confirmLabel={t('capture.confirm', { duration: duration(minutes) })}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await capture.mutateAsync(minutes)
            setAsking(false)
          }}
        >
          {t('capture.warning')}
        </ConfirmDialog>
      )}
    </div>
  )
}
