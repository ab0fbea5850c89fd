import { Select, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, send } from '@/api/client'
import { CopyButton } from '../copy-button'
import { usePhone } from '../use-phone'
import { modelsToSuggest, PLACEHOLDER, snippetsFor, type SnippetPart } from './snippets'
import classes from './client-snippets.module.css'

const CHOSEN = 'kiro-gateway-client'

const endpointsQuery = {
  queryKey: ['endpoints'],
  queryFn: ({ signal }: { signal: AbortSignal }) => send(api.GET('/', { signal })),
  staleTime: Infinity,
}

interface ClientSnippetsProps {
  /** The secret while it is known; a placeholder stands for it otherwise. */
  apiKey?: string
  /** What the key may use; the set-up names a capable and a quick one. */
  models: readonly string[]
  /** An account to force, by its name. */
  account?: string
}

/** How to set up each client, with this gateway's address, ready to be pasted. */
export function ClientSnippets({ apiKey, models, account }: ClientSnippetsProps) {
  const { t } = useTranslation()
  const phone = usePhone()
  const endpoints = useQuery(endpointsQuery)
  const [chosen, setChosen] = useState(() => localStorage.getItem(CHOSEN) ?? 'claude-code')
  const baseUrl = window.location.origin + (account ? `/a/${encodeURIComponent(account)}` : '')
  const snippets = snippetsFor(
    { baseUrl, apiKey: apiKey ?? PLACEHOLDER, ...modelsToSuggest(models) },
    endpoints.data?.endpoints ?? [],
  )
  const current = snippets.find(({ id }) => id === chosen) ?? snippets[0]
  const choose = (id: string | null) => {
    if (!id) return
    setChosen(id)
    localStorage.setItem(CHOSEN, id)
  }
  const placeName = ({ place }: SnippetPart) =>
    typeof place === 'object' ? place.file : t(`snippets.${place}`)
  const content = current && (
    <div className={classes.stack}>
      {current.parts.map((part) => (
        <Part key={placeName(part)} part={part} client={current.name} place={placeName(part)} />
      ))}
      {current.id === 'cursor' && (
        <Text size="sm" c="dimmed">
          {t('snippets.cursorNote')}
        </Text>
      )}
    </div>
  )

  if (phone) {
    return (
      <div className={classes.stack}>
        <Select
          aria-label={t('snippets.client')}
          data={snippets.map(({ id, name }) => ({ value: id, label: name }))}
          value={current?.id ?? null}
          onChange={choose}
          allowDeselect={false}
        />
        {content}
      </div>
    )
  }
  return (
    <Tabs value={current?.id ?? null} onChange={choose}>
      <Tabs.List aria-label={t('snippets.client')} className={classes.tabs}>
        {snippets.map(({ id, name }) => (
          <Tabs.Tab key={id} value={id}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {snippets.map(({ id }) => (
        <Tabs.Panel key={id} value={id} pt="sm">
          {id === current?.id && content}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}

function Part({ part, client, place }: { part: SnippetPart; client: string; place: string }) {
  if (part.place === 'fields') {
    return (
      <dl className={classes.fields}>
        {part.rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
              <CopyButton text={value} label={`${client}, ${name}`} />
            </dd>
          </div>
        ))}
      </dl>
    )
  }
  return (
    <figure className={classes.part}>
      <figcaption>
        <span>{place}</span>
        <CopyButton text={part.text} label={`${client}, ${place}`} />
      </figcaption>
      <pre tabIndex={0} aria-label={`${client}, ${place}`}>
        {part.text}
      </pre>
    </figure>
  )
}
