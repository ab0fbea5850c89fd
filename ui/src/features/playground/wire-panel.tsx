import { Tabs, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CodeView } from '@/components/code-view'
import { Panel } from '@/components/panel'
import { RawEvents } from '@/components/reply/raw-events'
import type { Exchange } from '@/components/reply/use-exchange'

interface WirePanelProps {
  exchange: Exchange | null
  /** What was sent, or would be. */
  body: Record<string, unknown> | null
  curl: string
}

/** What goes over the wire: the request, the same for a terminal, and the events as they come. */
export function WirePanel({ exchange, body, curl }: WirePanelProps) {
  const { t } = useTranslation('playground')
  return (
    <Panel title={t('wire')}>
      <Tabs defaultValue="events" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="events">{t('events')}</Tabs.Tab>
          <Tabs.Tab value="request">{t('request')}</Tabs.Tab>
          <Tabs.Tab value="curl">curl</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="events" pt="xs">
          {exchange && exchange.events.length > 0 ? (
            <RawEvents label={t('events')} events={exchange.events} />
          ) : (
            <Text size="sm" c="dimmed" py="xs">
              {t('noEvents')}
            </Text>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="request" pt="xs">
          <CodeView label={t('request')} text={body ? JSON.stringify(body, null, 2) : ''} />
        </Tabs.Panel>
        <Tabs.Panel value="curl" pt="xs">
          <CodeView label="curl" text={curl} />
        </Tabs.Panel>
      </Tabs>
    </Panel>
  )
}
