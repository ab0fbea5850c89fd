import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/errors'
import type { RequestDetail } from '@/api/types'
import { Figure, Figures } from '@/components/figure'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { RequestBodies } from './bodies'
import { Facts } from './facts'
import { NoteList } from './notes'
import { Problem } from './problem'
import { requestQuery } from './requests-api'
import { sourceOf } from './requests-columns'
import { Result } from './result'
import { speedOf } from './timeline'
import { Timeline } from './timeline-view'
import classes from './requests.module.css'

export function RequestPage() {
  const { t } = useTranslation('requests')
  const format = useFormat()
  const { id } = useParams({ from: '/requests/$id' })
  const search = useSearch({ from: '/requests/$id' })
  const request = useQuery(requestQuery(id))
  const back = { to: '/requests', label: t('title'), search }
  const { data } = request

  if (data === undefined) {
    const gone = request.error instanceof ApiError && request.error.status === 404
    return (
      <Page title={t('detail')} back={back} description={gone ? t('gone') : undefined}>
        {request.isError ? (
          <LoadError
            error={request.error}
            onRetry={request.refetch}
            retrying={request.isFetching}
          />
        ) : (
          <Loading label={t('detail')} lines={10} />
        )}
      </Page>
    )
  }
  return (
    <Page
      title={`${data.model_served || t('detail')}, ${format.moment(data.created_at)}`}
      badge={<Result request={data} />}
      description={<Who request={data} />}
      back={back}
    >
      <Summary request={data} />
      {data.failed && <Problem request={data} />}
      <Panel title={t('timeline.title')}>
        <Timeline request={data} />
      </Panel>
      <div className={classes.columns}>
        <Notes notes={data.notes} />
        <Facts request={data} />
      </div>
      <RequestBodies request={data} />
    </Page>
  )
}

interface PartProps {
  request: RequestDetail
}

/** Whose requests those are that an admin asks without a key. */
const ADMIN = 'admin'

function Who({ request }: PartProps) {
  const { t } = useTranslation('requests')
  const { origin, key_id: key, account, account_id: accountId } = request
  return (
    <>
      {origin !== 'client' && `${t(`origin.${origin}Hint`)} `}
      {key !== ADMIN && (
        <>
          {t('column.key')}{' '}
          <Link to="/keys/$id" params={{ id: key }} className={classes.link}>
            {request.key_name}
          </Link>
          {account && ', '}
        </>
      )}
      {accountId && (
        <>
          {t('column.account')}{' '}
          <Link to="/accounts/$id" params={{ id: accountId }} className={classes.link}>
            {account}
          </Link>
        </>
      )}
    </>
  )
}

function Summary({ request }: PartProps) {
  const { t } = useTranslation('requests')
  const format = useFormat()
  const source = sourceOf(request)
  const speed = speedOf(request)
  const counted =
    source === 'none' ? t('source.none') : `${t(`source.${source}`)}: ${t(`source.${source}Hint`)}`
  const cached = request.cache_read_tokens + request.cache_write_tokens
  return (
    <Figures>
      <Figure label={t('figure.total')} value={format.duration(request.duration_ms)} />
      <Figure
        label={t('figure.firstToken')}
        value={request.first_token_ms === null ? '–' : format.duration(request.first_token_ms)}
        note={speed && t('figure.perSecond', { count: Math.round(speed) })}
      />
      <Figure
        label={t('figure.input')}
        value={source === 'none' ? '–' : format.number(request.input_tokens + cached)}
        note={
          cached > 0
            ? t('figure.cache', {
                read: format.number(request.cache_read_tokens),
                written: format.number(request.cache_write_tokens),
              })
            : counted
        }
      />
      <Figure
        label={t('figure.output')}
        value={source === 'none' ? '–' : format.number(request.output_tokens)}
        note={counted}
      />
      <Figure
        label={t('figure.credits')}
        value={request.credits === null ? '–' : format.credits(request.credits)}
        note={request.credits === null ? t('figure.noCredits') : t('source.measuredHint')}
      />
    </Figures>
  )
}

function Notes({ notes }: { notes: string[] }) {
  const { t } = useTranslation('requests')
  return (
    <Panel title={t('notes.title')}>
      <NoteList notes={notes} />
    </Panel>
  )
}
