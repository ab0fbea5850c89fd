import { Button, Code } from '@mantine/core'
import { IconBug, IconMapOff } from '@tabler/icons-react'
import { Link, type ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Message } from '@/components/message'
import { Page } from '@/components/page'

export function PageNotFound() {
  const { t } = useTranslation()
  return (
    <Page title={t('state.notFound')}>
      <Message
        icon={IconMapOff}
        title={t('state.notFound')}
        action={
          <Button variant="default" renderRoot={(props) => <Link to="/" {...props} />}>
            {t('state.home')}
          </Button>
        }
      >
        {t('state.notFoundHint')}
      </Message>
    </Page>
  )
}

export function PageBroken({ error }: ErrorComponentProps) {
  const { t } = useTranslation()
  return (
    <Page title={t('state.broken')}>
      <div role="alert">
        <Message
          icon={IconBug}
          tone="bad"
          title={t('state.broken')}
          action={<Button onClick={() => window.location.reload()}>{t('state.reload')}</Button>}
        >
          {t('state.brokenHint')}
          <Code block mt="sm" ta="start">
            {String(error)}
          </Code>
        </Message>
      </div>
    </Page>
  )
}
