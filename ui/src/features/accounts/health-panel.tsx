import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account, Health } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Panel } from '@/components/panel'
import { Status } from '@/components/status'
import { TimeAgo } from '@/components/time-ago'
import { useExplained } from './account-status'
import { healthQuery } from './accounts-api'
import { isState, TONES, wordsOf } from './health'
import { spellsOf, type Spell } from './history'
import { RemedyButtons } from './remedies'
import classes from './account.module.css'

/** What an account can really do, why, since when, until when, and what to do about it. */
export function HealthPanel({ account }: { account: Account }) {
  const { t } = useTranslation(['accounts', 'common'])
  const explained = useExplained()
  const { health } = account
  const { reason, words, advice } = explained(health)
  return (
    <Panel title={t('health.title')}>
      <div className={classes.standing} data-tone={TONES[health.state]}>
        <div className={classes.said}>
          <Text fw={550}>{reason}</Text>
          {words && <div className={classes.words}>{words}</div>}
          {advice && (
            <Text size="sm" c="dimmed">
              {advice}
            </Text>
          )}
        </div>
        <div className={classes.remedies}>
          <RemedyButtons account={account} />
        </div>
      </div>
      <HealthTimes health={health} />
      <Cooldowns health={health} />
      <History id={account.id} />
    </Panel>
  )
}

function HealthTimes({ health }: { health: Health }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  return (
    <>
      <Details
        items={[
          [
            t('health.since'),
            health.since ? <TimeAgo key="since" time={health.since} /> : t('common:time.none'),
          ],
          [t('health.until'), health.until ? format.dateTime(health.until) : null],
          [
            t('health.nextCheck'),
            health.next_check_at ? (
              <TimeAgo key="next" time={health.next_check_at} />
            ) : (
              t('health.notPlanned')
            ),
          ],
        ]}
      />
      <ul className={classes.results}>
        <Result name={t('health.lastRequest')} result={health.last_result} />
        <Result name={t('health.lastCheck')} result={health.last_check} />
      </ul>
    </>
  )
}

function Result({ name, result }: { name: string; result: Health['last_result'] }) {
  const { t } = useTranslation('accounts')
  if (!result) {
    return (
      <li className={classes.entry}>
        <span className={classes.dimmed}>{name}</span>
        <span className={classes.dimmed}>{t('health.never')}</span>
      </li>
    )
  }
  const answered = result.outcome === 'answered'
  return (
    <li className={classes.entry}>
      <span className={classes.dimmed}>{name}</span>
      <span className={classes.entryReason}>
        <Status
          tone={answered ? 'ok' : 'bad'}
          label={answered ? t('health.answered') : result.outcome}
        />{' '}
        {result.message}
      </span>
      <span className={classes.dimmed}>
        {result.model && `${result.model} · `}
        <TimeAgo time={result.at} />
      </span>
    </li>
  )
}

function Cooldowns({ health }: { health: Health }) {
  const { t } = useTranslation('accounts')
  const format = useFormat()
  if (health.cooldowns.length === 0) return null
  return (
    <>
      <h3 className={classes.part}>{t('health.cooling')}</h3>
      <ul className={classes.list}>
        {health.cooldowns.map(({ kind, model, since, until }) => (
          <li key={`${kind} ${model}`} className={classes.entry}>
            <span className={classes.entryName}>{model ?? t('health.wholeAccount')}</span>
            <span>{t(`health.kind.${kind}`)}</span>
            <span className={classes.dimmed}>
              <TimeAgo time={since} /> – {until ? format.dateTime(until) : t('health.forever')}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

const SHOWN = 5 // of the history, until all is asked for

function History({ id }: { id: string }) {
  const { t } = useTranslation('accounts')
  const report = useQuery(healthQuery(id))
  const [all, setAll] = useState(false)
  const spells = spellsOf(report.data?.history ?? [])
  return (
    <>
      <h3 className={classes.part}>{t('health.history')}</h3>
      {report.isPending && <Loading lines={2} />}
      {report.isError && !report.data && (
        <LoadError error={report.error} onRetry={report.refetch} retrying={report.isFetching} />
      )}
      {report.data && spells.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('health.historyNone')}
        </Text>
      )}
      <ol className={classes.list}>
        {spells.slice(0, all ? undefined : SHOWN).map((spell) => (
          <SpellEntry key={`${spell.at} ${spell.state}`} spell={spell} />
        ))}
      </ol>
      {!all && spells.length > SHOWN && (
        <Button size="compact-sm" variant="subtle" mt="xs" onClick={() => setAll(true)}>
          {t('health.historyAll', { count: spells.length })}
        </Button>
      )}
    </>
  )
}

function SpellEntry({ spell }: { spell: Spell }) {
  const { t } = useTranslation('accounts')
  const format = useFormat()
  const { state, at, lasted } = spell
  const words =
    !isState(state) || state === 'cooling_down'
      ? spell.reason
      : wordsOf({ state, reason: spell.reason })
  return (
    <li className={classes.entry}>
      {isState(state) ? (
        <Status tone={TONES[state]} label={t(`state.${state}`)} />
      ) : (
        <Status tone="off" label={state} />
      )}
      <span className={classes.entryReason}>{words}</span>
      <span className={classes.dimmed}>
        {format.dateTime(at)} ·{' '}
        {lasted === null ? t('health.now') : t('health.lasted', { time: format.duration(lasted) })}
      </span>
    </li>
  )
}
