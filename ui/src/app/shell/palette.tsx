import { Modal, TextInput, useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import {
  IconDeviceDesktop,
  IconKey,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUserBolt,
} from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { api, send } from '@/api/client'
import { useSignOut } from '@/features/session/session-api'
import { setLanguage } from '@/locales/i18n'
import { LANGUAGE_NAMES, LANGUAGES } from '@/locales/language'
import { PAGES } from '../pages'
import { matching, moved, type Command, type CommandGroup } from './commands'
import classes from './palette.module.css'

const FOUND = 6 // of a kind at most
const PATIENCE = 150 // milliseconds of no typing before names are looked for

/** Everything by its name: pages, accounts, keys, and what the navigation does. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['shell', 'common'])
  const id = useId()
  const [query, setQuery] = useState('')
  const [chosen, setChosen] = useState(0)
  const groups = useCommands(query)
  const commands = groups.flatMap((group) => group.commands)
  // The list may have become shorter since.
  const active = Math.min(chosen, commands.length - 1)

  const run = (command: Command | undefined) => {
    if (!command) return
    onClose()
    void command.run()
  }
  const press = (event: KeyboardEvent) => {
    const next = moved(active, commands.length, event.key)
    if (event.key === 'Enter') run(commands[active])
    else if (next === null) return
    else setChosen(next)
    event.preventDefault()
  }
  const optionId = (command: Command) => `${id}-${command.id}`
  const current = commands[active]

  return (
    <Modal.Root opened onClose={onClose} size={560} yOffset="12vh">
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content aria-label={t('search')}>
        <TextInput
          data-autofocus
          size="md"
          variant="unstyled"
          className={classes.field}
          role="combobox"
          aria-label={t('search')}
          aria-expanded
          aria-controls={id}
          aria-activedescendant={current && optionId(current)}
          aria-autocomplete="list"
          placeholder={t('searchHint')}
          leftSection={<IconSearch size={18} aria-hidden />}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value)
            setChosen(0)
          }}
          onKeyDown={press}
        />
        <div id={id} role="listbox" aria-label={t('search')} className={classes.list}>
          {groups.map(({ label, commands: entries }) => (
            <div key={label} role="group" aria-label={label}>
              <div className={classes.group} aria-hidden>
                {label}
              </div>
              {entries.map((command) => (
                <div
                  key={command.id}
                  id={optionId(command)}
                  role="option"
                  aria-selected={command === current}
                  className={classes.option}
                  ref={command === current ? scrollIntoSight : undefined}
                  onMouseMove={() => setChosen(commands.indexOf(command))}
                  onClick={() => run(command)}
                >
                  <command.icon size={18} stroke={1.7} aria-hidden />
                  {command.label}
                </div>
              ))}
            </div>
          ))}
        </div>
        {commands.length === 0 && (
          <div className={classes.nothing} role="status">
            {t('nothingFound')}
          </div>
        )}
      </Modal.Content>
    </Modal.Root>
  )
}

function scrollIntoSight(option: HTMLElement | null): void {
  option?.scrollIntoView({ block: 'nearest' })
}

function useCommands(query: string): CommandGroup[] {
  const { t, i18n } = useTranslation(['shell', 'common'])
  const navigate = useNavigate()
  const signOut = useSignOut()
  const { setColorScheme } = useMantineColorScheme()
  const accounts = useFound('accounts', query)
  const keys = useFound('keys', query)
  const theme = (id: 'light' | 'dark' | 'auto', name: string, icon: Command['icon']): Command => ({
    id,
    label: `${t('theme')}: ${name}`,
    icon,
    run: () => setColorScheme(id),
  })
  const groups: CommandGroup[] = [
    {
      label: t('groupPages'),
      commands: matching(
        query,
        PAGES.map(({ path, label, icon }) => ({
          id: `page${path.replaceAll('/', '-')}`,
          label: t(label),
          icon,
          run: () => navigate({ to: path }),
        })),
      ),
    },
    {
      label: t('page.accounts'),
      commands: accounts.map(({ id, name }) => ({
        id: `account-${id}`,
        label: name,
        icon: IconUserBolt,
        run: () => navigate({ to: '/accounts/$id', params: { id } }),
      })),
    },
    {
      label: t('page.keys'),
      commands: keys.map(({ id, name }) => ({
        id: `key-${id}`,
        label: name,
        icon: IconKey,
        run: () => navigate({ to: '/keys/$id', params: { id } }),
      })),
    },
    {
      label: t('groupActions'),
      commands: matching(query, [
        ...LANGUAGES.filter((language) => language !== i18n.language).map((language) => ({
          id: language,
          label: `${t('language')}: ${LANGUAGE_NAMES[language]}`,
          icon: IconLanguage,
          run: () => setLanguage(language),
        })),
        theme('light', t('themeLight'), IconSun),
        theme('dark', t('themeDark'), IconMoon),
        theme('auto', t('themeAuto'), IconDeviceDesktop),
        { id: 'out', label: t('signOut'), icon: IconLogout, run: () => signOut.mutate() },
      ]),
    },
  ]
  return groups.filter(({ commands }) => commands.length > 0)
}

/** Those with the query in their name; nothing for no query. */
function useFound(what: 'accounts' | 'keys', query: string): { id: string; name: string }[] {
  const [q] = useDebouncedValue(query.trim(), PATIENCE)
  const { data } = useQuery({
    queryKey: [what, 'found', q],
    queryFn: async ({ signal }) => {
      const params = { query: { q, limit: FOUND } }
      if (what === 'keys') return (await send(api.GET('/admin/keys', { params, signal }))).keys
      return (await send(api.GET('/admin/accounts', { params, signal }))).accounts
    },
    enabled: q !== '',
    placeholderData: keepPreviousData,
  })
  return query.trim() ? (data ?? []) : []
}
