import { UnstyledButton } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account, ApiKey } from '@/api/types'
import { Panel } from '@/components/panel'
import { useNow } from '@/components/time-ago'
import { useFocusOnChange } from '@/components/use-focus-on-change'
import { AccountStep } from './account-step'
import { ClientStep } from './client-step'
import { requestedQuery } from './first-run-api'
import classes from './first-run.module.css'
import { KeyStep } from './key-step'
import { RequestStep } from './request-step'
import { SignInStep } from './sign-in-step'
import {
  accountToSetUp,
  isDone,
  isOpen,
  keyToSetUp,
  STEPS,
  stepToDo,
  type Standing,
  type Step,
} from './steps'

interface SetUpProps {
  accounts: Account[]
  keys: ApiKey[]
  requested: boolean
  onFinish: () => void
}

/** The steps, and the one that is looked at. It stays until somebody goes on. */
export function SetUp({ accounts, keys, requested, onFinish }: SetUpProps) {
  const { t } = useTranslation('first-run')
  const client = useQueryClient()
  const now = useNow()
  const [preferred, setPreferred] = useState<{ account?: string; key?: string }>({})
  // The secret of the key that was made here; nowhere else, and gone with this page.
  const [secret, setSecret] = useState<string | null>(null)
  const account = accountToSetUp(accounts, preferred.account ?? null)
  const key = keyToSetUp(keys, account, preferred.key ?? null, now)
  const standing: Standing = { account, key, requested }
  const [step, setStep] = useState<Step>(() => stepToDo(standing))

  const place = useFocusOnChange<HTMLDivElement>(step)

  const goOn = () => setStep(stepToDo(standing, STEPS[STEPS.indexOf(step) + 1]))
  const content = () => {
    switch (step) {
      case 'account':
        return (
          <AccountStep
            account={account}
            onMade={(made) => {
              setPreferred({ ...preferred, account: made.id })
              setStep('sign-in')
            }}
            onNext={goOn}
          />
        )
      case 'sign-in':
        return account && <SignInStep key={account.id} account={account} onNext={goOn} />
      case 'key':
        return (
          account && (
            <KeyStep
              account={account}
              apiKey={key}
              secret={secret}
              onMade={(made) => {
                setPreferred({ ...preferred, key: made.id })
                setSecret(made.key ?? null)
              }}
              onNext={goOn}
            />
          )
        )
      case 'request':
        return (
          account &&
          key && (
            <RequestStep
              account={account}
              apiKey={key}
              secret={secret}
              onServed={() => client.setQueryData(requestedQuery.queryKey, true)}
              onNext={() => setStep('client')}
            />
          )
        )
      case 'client':
        return key && <ClientStep apiKey={key} secret={secret} onFinish={onFinish} />
    }
  }

  return (
    <div className={classes.layout}>
      <nav aria-label={t('steps')}>
        <ol className={classes.steps}>
          {STEPS.map((each, index) => {
            const done = isDone(each, standing)
            return (
              <li key={each} className={classes.step} data-done={done || undefined}>
                <UnstyledButton
                  className={classes.stepButton}
                  aria-current={each === step ? 'step' : undefined}
                  disabled={!isOpen(each, standing)}
                  onClick={() => setStep(each)}
                >
                  <span className={classes.number} aria-hidden>
                    {done ? <IconCheck size={14} stroke={2.6} /> : index + 1}
                  </span>
                  <span className={classes.stepText}>
                    <span className={classes.stepTitle}>{t(`${each}.step`)}</span>
                    <span className={classes.stepNote}>{noteOf(each)}</span>
                  </span>
                </UnstyledButton>
              </li>
            )
          })}
        </ol>
      </nav>
      <div ref={place}>
        <Panel title={t(`${step}.title`)}>{content()}</Panel>
      </div>
    </div>
  )

  function noteOf(each: Step): string {
    if (!isDone(each, standing)) return ''
    switch (each) {
      case 'account':
        return account?.name ?? ''
      case 'key':
        return key?.name ?? ''
      default:
        return t('done')
    }
  }
}
