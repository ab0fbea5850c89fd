import { Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/page'
import { ConfigurationTab } from './configuration-tab'
import { GeneralTab } from './general-tab'
import { NotificationsTab } from './notifications-tab'
import { TABS, type Tab } from './search'
import classes from './settings.module.css'

const CONTENT: Record<Tab, () => React.ReactNode> = {
  general: GeneralTab,
  notifications: NotificationsTab,
  configuration: ConfigurationTab,
}

export function SettingsPage() {
  const { t } = useTranslation('settings')
  const { tab = 'general' } = useSearch({ from: '/settings' })
  const navigate = useNavigate({ from: '/settings' })
  const choose = (value: string | null) => {
    const chosen = TABS.find((one) => one === value)
    if (chosen) void navigate({ search: { tab: chosen }, replace: true })
  }
  return (
    <Page title={t('title')} description={t('description')}>
      <Tabs value={tab} onChange={choose} keepMounted={false}>
        <Tabs.List>
          {TABS.map((value) => (
            <Tabs.Tab key={value} value={value}>
              {t(`tab.${value}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map((value) => {
          const Content = CONTENT[value]
          return (
            <Tabs.Panel key={value} value={value} pt="md" className={classes.tab}>
              <Content />
            </Tabs.Panel>
          )
        })}
      </Tabs>
    </Page>
  )
}
