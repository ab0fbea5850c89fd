import { Badge, Checkbox, Group, Text, TextInput } from '@mantine/core'
import { IconSearch, IconSearchOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { settingsQuery } from '@/api/settings'
import type { Setting } from '@/api/types'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Message } from '@/components/message'
import { groupsOf, valueText } from './configuration'
import classes from './settings.module.css'

/** Every setting with its value, its meaning, and where the value comes from. */
export function ConfigurationTab() {
  const { t } = useTranslation('settings')
  const { q = '', changed } = useSearch({ from: '/settings' })
  const navigate = useNavigate({ from: '/settings' })
  const settings = useQuery(settingsQuery)
  const groups = useMemo(
    () => groupsOf(settings.data?.settings ?? [], q, changed ?? false),
    [settings.data, q, changed],
  )
  const change = (part: { q?: string; changed?: true }) =>
    void navigate({ search: (earlier) => ({ ...earlier, ...part }), replace: true })
  const count = groups.reduce((sum, group) => sum + group.settings.length, 0)

  if (settings.isPending) return <Loading label={t('tab.configuration')} lines={12} />
  if (!settings.data) {
    return (
      <LoadError error={settings.error} onRetry={settings.refetch} retrying={settings.isFetching} />
    )
  }
  return (
    <>
      <Text size="sm" c="dimmed" maw="80ch">
        {t('config.hint')}
      </Text>
      <Group role="search">
        <TextInput
          className={classes.search}
          aria-label={t('config.search')}
          placeholder={t('config.search')}
          value={q}
          onChange={(event) => change({ q: event.currentTarget.value || undefined })}
          leftSection={<IconSearch size={16} aria-hidden />}
        />
        <Checkbox
          label={t('config.changed')}
          checked={changed ?? false}
          onChange={(event) => change({ changed: event.currentTarget.checked ? true : undefined })}
        />
        <Text size="sm" c="dimmed" role="status">
          {t('config.count', { count })}
        </Text>
      </Group>
      {groups.length === 0 && <Message icon={IconSearchOff} title={t('config.noMatch')} />}
      {groups.map(({ section, settings }) => (
        <section key={section} aria-label={section} className={classes.group}>
          <h2>{section}</h2>
          <dl>
            {settings.map((setting) => (
              <SettingRow key={setting.name} setting={setting} />
            ))}
          </dl>
        </section>
      ))}
    </>
  )
}

function SettingRow({ setting }: { setting: Setting }) {
  const { t } = useTranslation('settings')
  const { name, description, source, secret, value } = setting
  const known = ({ default: 'default', saved: 'saved', unknown: 'unknown' } as const)[source]
  const text = secret && value !== null ? null : valueText(value)
  return (
    <div className={classes.setting}>
      <dt>
        <code>{name}</code>
        <p>{description}</p>
      </dt>
      <dd>
        {text !== null ? (
          <code>{text}</code>
        ) : (
          <span className={classes.none}>
            {secret && value !== null
              ? t('config.hidden')
              : t(value === null ? 'config.none' : 'config.empty')}
          </span>
        )}
      </dd>
      <dd>
        {known === 'default' ? (
          <span className={classes.none}>{t('config.default')}</span>
        ) : (
          <Badge tt="none" color={known === 'saved' ? 'indigo' : 'gray'}>
            {known ? t(`config.${known}`) : source}
          </Badge>
        )}
      </dd>
    </div>
  )
}
