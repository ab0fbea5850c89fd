import { useTranslation } from 'react-i18next'
import type { ReactNode } from 'react'
import type { RequestDetail } from '@/api/types'
import { CopyButton } from '@/components/copy-button'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { Panel } from '@/components/panel'
import { TimeAgo } from '@/components/time-ago'
import classes from './requests.module.css'

/** Everything else that is known of a request. */
export function Facts({ request }: { request: RequestDetail }) {
  const { t } = useTranslation(['requests', 'common'])
  const format = useFormat()
  const stop = request.stop_reason
  const id = (label: string, text: string | null): [string, ReactNode] => [
    label,
    text && (
      <span key={label} className={classes.copied}>
        <code>{text}</code>
        <CopyButton text={text} label={label} />
      </span>
    ),
  ]
  const bytes = (value: number | null) => (value === null ? null : format.bytes(value))
  return (
    <Panel title={t('details.title')}>
      <Details
        items={[
          [t('details.ended'), <TimeAgo key="ended" time={request.created_at} />],
          [t('details.modelAsked'), request.model || null],
          [t('details.modelServed'), request.model_served || null],
          [t('details.route'), <code key="route">{request.route}</code>],
          [t('details.streamed'), t(request.stream ? 'details.yes' : 'details.no')],
          [
            t('details.stopReason'),
            stop && t(`stop.${stop as 'end_turn'}`, { defaultValue: stop }),
          ],
          [t('details.retries'), format.number(request.retries)],
          [t('details.client'), request.client],
          [t('details.peer'), request.peer],
          [t('details.received'), bytes(request.received_bytes)],
          [t('details.sent'), bytes(request.sent_bytes)],
          id(t('details.requestId'), request.request_id),
          id(t('details.conversation'), request.conversation_id),
          id(t('details.upstreamId'), request.upstream_request_id),
        ]}
      />
    </Panel>
  )
}
