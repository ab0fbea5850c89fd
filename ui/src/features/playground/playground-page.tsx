import { Alert, Button } from '@mantine/core'
import { IconMessageChatbot, IconRefresh, IconUserOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery, modelsQuery } from '@/api/accounts'
import { Unreachable } from '@/api/errors'
import { everyKeyQuery } from '@/api/keys'
import type { Account, ApiKey } from '@/api/types'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { Page } from '@/components/page'
import { Panel } from '@/components/panel'
import { PATHS } from '@/components/reply/reply'
import { useExchange } from '@/components/reply/use-exchange'
import { PLACEHOLDER } from '@/components/snippets/snippets'
import { Composer } from './composer'
import { Conversation } from './conversation'
import { OptionsPanel, type Who } from './options-panel'
import { bodyOf, callsOf, curlOf, toolsOf, type Options, type Turn, type UserTurn } from './turns'
import { WirePanel } from './wire-panel'
import classes from './playground.module.css'

export function PlaygroundPage() {
  const { t } = useTranslation('playground')
  const accounts = useQuery(everyAccountQuery)
  const keys = useQuery(everyKeyQuery)
  const failed = accounts.error ?? keys.error
  if (accounts.data && keys.data) return <Playground accounts={accounts.data} keys={keys.data} />
  return (
    <Page title={t('title')} description={t('description')}>
      {failed ? (
        <LoadError
          error={failed}
          onRetry={() => Promise.all([accounts.refetch(), keys.refetch()])}
          retrying={accounts.isFetching || keys.isFetching}
        />
      ) : (
        <Loading label={t('title')} />
      )}
    </Page>
  )
}

const DEFAULTS: Omit<Options, 'model' | 'dialect'> = {
  system: '',
  tools: '',
  thinking: 'off',
  maxTokens: 2000,
  stream: true,
}

interface PlaygroundProps {
  accounts: Account[]
  keys: ApiKey[]
}

function Playground({ accounts, keys }: PlaygroundProps) {
  const { t } = useTranslation(['playground', 'common'])
  const search = useSearch({ from: '/playground' })
  const navigate = useNavigate({ from: '/playground' })
  const [rest, setRest] = useState(DEFAULTS)
  const [turns, setTurns] = useState<Turn[]>([])
  const [sent, setSent] = useState<Record<string, unknown> | null>(null)
  const [checked, setChecked] = useState(false)
  const { exchange, error, send, stop, clear } = useExchange()
  const running = exchange?.running ? exchange : null

  const who: Who = {
    through: search.key !== undefined ? 'key' : 'account',
    key: search.key || null,
    account: search.account ?? accounts.find(({ enabled }) => enabled)?.name ?? null,
  }
  const key = keys.find(({ id }) => id === who.key)
  const known = useQuery(
    modelsQuery(who.through === 'key' ? key?.kiro_default_account : who.account),
  )
  const allowed = who.through === 'key' ? (key?.allowed_models ?? []) : []
  const models = allowed.length ? allowed : (known.data ?? []).map(({ model_id }) => model_id)
  const options: Options = {
    ...rest,
    dialect: search.dialect ?? 'anthropic',
    model: search.model ?? (models.includes('auto') ? 'auto' : (models[0] ?? '')),
  }
  const problems = checked ? problemsOf(options, who, t) : {}
  const bottom = useFollowedEnd(turns.length, exchange)

  const changeOptions = ({ model, dialect, ...others }: Partial<Options>) => {
    setRest({ ...rest, ...others })
    if (model === undefined && dialect === undefined) return
    const part = { ...(model !== undefined && { model }), ...(dialect && { dialect }) }
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })
  }
  const changeWho = (part: Partial<Who>) => {
    const next = { ...who, ...part }
    const chosen = next.through === 'key' ? (next.key ?? keys[0]?.id ?? '') : undefined
    const account = next.through === 'account' ? (next.account ?? undefined) : undefined
    void navigate({
      search: ({ dialect }) => ({ dialect, key: chosen, account }),
      replace: true,
    })
  }
  const ask = (conversation: Turn[]): boolean => {
    setChecked(true)
    if (Object.keys(problemsOf(options, who, t)).length > 0) return false
    const body = bodyOf(conversation, options)
    const via = who.through === 'key' ? { key_id: who.key } : { account: who.account }
    const order = { path: PATHS[options.dialect], body, ...via }
    setTurns(conversation)
    setSent(body)
    send({ path: '/admin/playground', body: order, dialect: options.dialect }).then(
      (answered) => setTurns([...conversation, { role: 'assistant', exchange: answered }]),
      () => {}, // `error` says why
    )
    return true
  }
  const last = turns.at(-1)
  const calls = last?.role === 'assistant' ? callsOf(last.exchange.reply) : []
  const broken =
    !running &&
    (last?.role === 'user' ||
      (last?.role === 'assistant' && (last.exchange.reply.error || last.exchange.stopped)))
  const again = () => {
    ask(last?.role === 'assistant' ? turns.slice(0, -1) : turns)
  }

  if (accounts.length === 0) {
    return (
      <Page title={t('title')} description={t('description')}>
        <Panel>
          <Message
            icon={IconUserOff}
            title={t('noAccount')}
            action={
              <Button renderRoot={(props) => <Link to="/accounts" {...props} />}>
                {t('toAccounts')}
              </Button>
            }
          >
            {t('noAccountHint')}
          </Message>
        </Panel>
      </Page>
    )
  }
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        turns.length > 0 && (
          <Button
            variant="default"
            onClick={() => {
              clear()
              setTurns([])
              setSent(null)
            }}
          >
            {t('fresh')}
          </Button>
        )
      }
    >
      <div className={classes.columns}>
        <OptionsPanel
          options={options}
          who={who}
          keys={keys}
          accounts={accounts}
          models={models}
          problems={problems}
          onOptions={changeOptions}
          onWho={changeWho}
        />
        <section className={classes.conversation} aria-label={t('conversation')}>
          {turns.length === 0 && !running ? (
            <Message icon={IconMessageChatbot} title={t('empty')}>
              {t('emptyHint')}
            </Message>
          ) : (
            <Conversation turns={turns} running={running} />
          )}
          {error && !running && (
            <Alert color="red" role="alert" mx="md">
              {error instanceof Unreachable ? t('common:state.unreachable') : error.message}
            </Alert>
          )}
          {broken && (
            <Button
              variant="default"
              size="xs"
              mx="md"
              className={classes.again}
              leftSection={<IconRefresh size={15} aria-hidden />}
              onClick={again}
            >
              {t('again')}
            </Button>
          )}
          <Composer
            calls={calls}
            running={!!running}
            onSend={(turn: UserTurn) => ask([...turns, turn])}
            onStop={stop}
          />
          <div ref={bottom} />
        </section>
        <WirePanel
          exchange={exchange}
          body={sent}
          curl={curlOf({
            baseUrl: window.location.origin,
            dialect: options.dialect,
            account: who.through === 'account' ? who.account : null,
            body: sent ?? safeBody(turns, options),
            apiKey: PLACEHOLDER,
          })}
        />
      </div>
    </Page>
  )
}

/** As far as it can be told: tools that are no JSON yet are left out. */
function safeBody(turns: Turn[], options: Options): Record<string, unknown> {
  try {
    return bodyOf(turns, options)
  } catch {
    return bodyOf(turns, { ...options, tools: '' })
  }
}

function problemsOf(
  options: Options,
  who: Who,
  t: (key: 'needWho' | 'needModel' | 'toolsInvalid', values?: { message: string }) => string,
) {
  const problems: { who?: string; model?: string; tools?: string } = {}
  if (!(who.through === 'key' ? who.key : who.account)) problems.who = t('needWho')
  if (!options.model.trim()) problems.model = t('needModel')
  try {
    toolsOf(options.tools)
  } catch (error) {
    problems.tools = t('toolsInvalid', { message: error instanceof Error ? error.message : '' })
  }
  return problems
}

/** Keeps the end of the conversation in sight, unless somebody has scrolled up to read. */
function useFollowedEnd(turns: number, exchange: unknown) {
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const below = (end.current?.getBoundingClientRect().bottom ?? 0) - window.innerHeight
    if (below > 0 && below < 240) end.current?.scrollIntoView({ block: 'end' })
  }, [turns, exchange])
  return end
}
