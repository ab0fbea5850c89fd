import { Alert, Button, Group, Select, Text, Textarea } from '@mantine/core'
import { IconAlertCircle, IconPlayerStop, IconSend } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import { Unreachable } from '@/api/errors'
import type { Account, ApiKey } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { Status } from '@/components/status'
import { modelsToSuggest } from '@/components/snippets/snippets'
import classes from './first-run.module.css'
import { useFirstRequest } from './use-first-request'

interface RequestStepProps {
  account: Account
  apiKey: ApiKey
  secret: string | null
  /** The gateway has answered a request. */
  onServed: () => void
  onNext: () => void
}

/** A request as a client would make it, and its answer as it comes. */
export function RequestStep({ account, apiKey, secret, onServed, onNext }: RequestStepProps) {
  const { t } = useTranslation(['first-run', 'common'])
  const models = useQuery(modelsQuery(account.name))
  const names = (models.data ?? []).map(({ model_id }) => model_id)
  const [chosen, setChosen] = useState<string | null>(null)
  const model = chosen ?? modelsToSuggest(names).model
  const [text, setText] = useState(() => t('request.example'))
  const { trial, start, stop } = useFirstRequest(onServed)
  const running = trial.phase === 'running'
  const served = trial.phase === 'done'

  const send = () => {
    if (text.trim()) void start(apiKey, secret, model, text)
  }
  return (
    <div className={classes.content}>
      <Text size="sm" c="dimmed" maw="62ch">
        {t(secret ? 'request.text' : 'request.textWithout', { name: apiKey.name })}
      </Text>
      <div className={classes.ask}>
        <Textarea
          label={t('request.message')}
          rows={2}
          value={text}
          error={text.trim() ? null : t('common:form.required')}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
            event.preventDefault()
            send()
          }}
        />
        <Group align="flex-end" gap="xs">
          <Select
            flex="1 1 14rem"
            label={t('request.model')}
            data={names.includes(model) ? names : [model, ...names]}
            value={model}
            onChange={setChosen}
            searchable
            allowDeselect={false}
          />
          {running ? (
            <Button
              variant="default"
              leftSection={<IconPlayerStop size={16} aria-hidden />}
              onClick={stop}
            >
              {t('request.stop')}
            </Button>
          ) : (
            <Button
              variant={served ? 'default' : 'filled'}
              leftSection={<IconSend size={16} aria-hidden />}
              onClick={send}
            >
              {t(trial.phase === 'idle' ? 'request.send' : 'request.sendAgain')}
            </Button>
          )}
        </Group>
      </div>
      {trial.phase !== 'idle' && <TrialView trial={trial} />}
      <Group justify="flex-end">
        <Button onClick={onNext} disabled={!served}>
          {t('next')}
        </Button>
      </Group>
    </div>
  )
}

function TrialView({ trial }: { trial: ReturnType<typeof useFirstRequest>['trial'] }) {
  const { t } = useTranslation(['first-run', 'common'])
  const format = useFormat()
  const { answer, firstToken, total, error, phase } = trial
  const shown = answer.text || answer.thinking
  return (
    <div className={classes.trial}>
      {(shown || phase === 'running') && (
        <section
          aria-label={t('request.answer')}
          aria-busy={phase === 'running'}
          tabIndex={0}
          className={classes.answer}
          data-thinking={(!answer.text && answer.thinking !== '') || undefined}
        >
          {shown || t('request.waiting')}
          {phase === 'running' && <span className={classes.caret} aria-hidden />}
        </section>
      )}
      <div role="status">
        {phase === 'done' && <Status tone="ok" label={t('request.works')} />}
        {phase === 'stopped' && <Text size="sm">{t('request.stopped')}</Text>}
      </div>
      {error && (
        <Alert
          color="red"
          role="alert"
          icon={<IconAlertCircle size={18} aria-hidden />}
          title={t('request.failed')}
        >
          {error instanceof Unreachable ? t('common:state.unreachable') : error.message}
        </Alert>
      )}
      {phase !== 'running' && (
        <Details
          items={[
            [t('request.firstToken'), firstToken === null ? null : format.duration(firstToken)],
            [t('request.total'), total === null ? null : format.duration(total)],
            [
              t('request.tokens'),
              answer.outputTokens === null
                ? null
                : t('request.tokensOf', {
                    input: format.number(answer.inputTokens ?? 0),
                    output: format.number(answer.outputTokens),
                  }),
            ],
            [t('request.model'), answer.model],
          ]}
        />
      )}
      {phase !== 'running' && trial.requestId && (
        <Text size="xs" c="dimmed">
          {t('request.id')}: <code>{trial.requestId}</code>
        </Text>
      )}
    </div>
  )
}
