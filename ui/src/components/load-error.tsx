import { Button } from '@mantine/core'
import { IconAlertTriangle, IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import { Message } from './message'

interface LoadErrorProps {
  error: Error
  onRetry: () => unknown
  retrying?: boolean
}

/** What could not be loaded, why, and a way to try again. */
export function LoadError({ error, onRetry, retrying }: LoadErrorProps) {
  const { t } = useTranslation()
  const away = error instanceof Unreachable
  return (
    <div role="alert">
      <Message
        icon={away ? IconPlugConnectedX : IconAlertTriangle}
        tone="bad"
        title={t('state.failed')}
        action={
          <Button variant="default" size="xs" loading={retrying} onClick={() => void onRetry()}>
            {t('action.retry')}
          </Button>
        }
      >
        {away ? t('state.unreachable') : error.message}
      </Message>
    </div>
  )
}
