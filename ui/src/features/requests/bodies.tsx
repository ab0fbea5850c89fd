import { Button, Group, Tabs, Text } from '@mantine/core'
import { IconFileOff, IconRepeat, IconTransform } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Bodies, RequestDetail } from '@/api/types'
import { BodyCapture } from '@/components/body-capture'
import { CodeView } from '@/components/code-view'
import { useFormat } from '@/components/format'
import { Message } from '@/components/message'
import { Panel } from '@/components/panel'
import { prettyJson } from '@/components/pretty-json'
import { PreviewDialog, ReplayDialog } from './dialogs'

const PARTS = ['request', 'kiro', 'response'] as const

/** What the client sent, what Kiro got, and what the client got, while that is kept. */
export function RequestBodies({ request }: { request: RequestDetail }) {
  const { t } = useTranslation('requests')
  const { bodies } = request
  const [dialog, setDialog] = useState<'preview' | 'replay' | null>(null)
  const close = () => setDialog(null)
  return (
    <Panel
      title={t('bodies.title')}
      aside={
        bodies?.request && (
          <Group gap="xs">
            <Button
              variant="default"
              size="xs"
              leftSection={<IconTransform size={15} aria-hidden />}
              onClick={() => setDialog('preview')}
            >
              {t('preview.action')}
            </Button>
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRepeat size={15} aria-hidden />}
              onClick={() => setDialog('replay')}
            >
              {t('replay.action')}
            </Button>
          </Group>
        )
      }
    >
      {bodies ? (
        <Stored bodies={bodies} />
      ) : (
        <Message icon={IconFileOff} title={t('bodies.none')} action={<BodyCapture />}>
          {t('bodies.noneHint')}
        </Message>
      )}
      {dialog === 'preview' && (
        <PreviewDialog
          route={request.route}
          account={request.account}
          body={bodies?.request ?? ''}
          onClose={close}
        />
      )}
      {dialog === 'replay' && <ReplayDialog request={request} onClose={close} />}
    </Panel>
  )
}

function Stored({ bodies }: { bodies: Bodies }) {
  const { t } = useTranslation('requests')
  const format = useFormat()
  return (
    <>
      <Tabs defaultValue="request" keepMounted={false}>
        <Tabs.List>
          {PARTS.map((part) => (
            <Tabs.Tab key={part} value={part}>
              {t(`bodies.${part}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PARTS.map((part) => (
          <Tabs.Panel key={part} value={part} pt="sm">
            <Body text={bodies[part]} label={t(`bodies.${part}`)} />
          </Tabs.Panel>
        ))}
      </Tabs>
      <Text size="xs" c="dimmed" mt="xs">
        {t('bodies.until', { time: format.dateTime(bodies.expires_at) })}
      </Text>
    </>
  )
}

function Body({ text, label }: { text: string | null; label: string }) {
  const { t } = useTranslation('requests')
  const format = useFormat()
  const pretty = useMemo(() => (text === null ? null : prettyJson(text)), [text])
  if (pretty === null) {
    return (
      <Text size="sm" c="dimmed">
        {t('bodies.nothing')}
      </Text>
    )
  }
  const size = format.bytes(new Blob([text ?? '']).size)
  return <CodeView label={label} caption={`${label}, ${size}`} text={pretty} />
}
