import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Attempt, RequestDetail } from '@/api/types'
import { CopyButton } from '@/components/copy-button'
import { useFormat } from '@/components/format'
import { useErrorWord } from './error-word'
import { placeOf, timelineOf, type Step } from './timeline'
import classes from './requests.module.css'

/** Attempts, waits and the answer, each where it lies in the whole time. */
export function Timeline({ request }: { request: RequestDetail }) {
  const { t } = useTranslation('requests')
  const steps = timelineOf(request)
  const total = Math.max(request.duration_ms, ...steps.map(({ to }) => to))
  if (steps.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('timeline.none')}
      </Text>
    )
  }
  return (
    <ol className={classes.steps}>
      {steps.map((step, place) => (
        <StepRow key={place} step={step} total={total} />
      ))}
    </ol>
  )
}

function StepRow({ step, total }: { step: Step; total: number }) {
  const format = useFormat()
  const name = useStepName()
  const { left, width } = placeOf(step, total)
  return (
    <li className={classes.step}>
      <div className={classes.stepName}>{name(step)}</div>
      <div className={classes.track} aria-hidden>
        <div
          className={classes.bar}
          data-kind={step.kind}
          data-broken={step.kind === 'answer' && step.broken ? true : undefined}
          style={{ left: `${left}%`, width: `${width}%` }}
        />
      </div>
      <div className={classes.stepTime}>
        {step.kind === 'passed' ? '' : format.duration(step.to - step.from)}
      </div>
      {'attempt' in step && <AttemptMore attempt={step.attempt} />}
    </li>
  )
}

function AttemptMore({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation('requests')
  const word = useErrorWord()
  const { outcome, status, message, upstream_request_id: upstreamId } = attempt
  const answered = outcome === 'answered'
  const said = [
    answered ? null : word(outcome).title,
    status === null || answered ? null : t('timeline.status', { status }),
    message,
  ].filter(Boolean)
  if (said.length === 0 && !upstreamId) return null
  return (
    <div className={classes.stepMore}>
      {said.length > 0 && <div>{said.join(' · ')}</div>}
      {upstreamId && (
        <div className={classes.copied}>
          {t('timeline.upstreamId')}: <code>{upstreamId}</code>
          <CopyButton text={upstreamId} label={t('timeline.upstreamId')} />
        </div>
      )}
    </div>
  )
}

function useStepName(): (step: Step) => string {
  const { t } = useTranslation('requests')
  return (step) => {
    switch (step.kind) {
      case 'queue':
        return t('timeline.queue')
      case 'pause':
        return t('timeline.pause')
      case 'passed':
        return `${t('timeline.passed')}: ${step.attempt.account}`
      case 'failed':
      case 'asked':
        return `${t('timeline.asked')}: ${step.attempt.account}`
      case 'answer':
        return t(step.whole ? 'timeline.whole' : 'timeline.answer')
    }
  }
}
