import { Button, Group, Text } from '@mantine/core'
import { IconClockX, IconCircleX, IconHandStop, type TablerIcon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Message } from '../message'
import type { Again } from './login-view'
import type { Reason } from './sign-in-problems'
import classes from './sign-in.module.css'

const ICONS: Partial<Record<Reason, TablerIcon>> = {
  denied: IconHandStop,
  expired: IconClockX,
  gone: IconClockX,
}

interface LoginFailedProps {
  reason: Reason
  /** The gateway's own words, where they say more. */
  detail: string | null
  onAgain: Again
}

/** Why it came to nothing, and what to do. */
export function LoginFailed({ reason, detail, onAgain }: LoginFailedProps) {
  const { t } = useTranslation('sign-in')
  return (
    <div role="alert">
      <Message
        icon={ICONS[reason] ?? IconCircleX}
        tone={reason === 'cancelled' ? 'plain' : 'bad'}
        title={t(`result.reason.${reason}`)}
        action={
          <Group gap="xs" justify="center">
            <Button variant="default" onClick={() => onAgain('choice')}>
              {t('result.otherWay')}
            </Button>
            <Button data-autofocus onClick={() => onAgain('form')}>
              {t('result.again')}
            </Button>
          </Group>
        }
      >
        {t(`result.advice.${reason}`)}
        {detail && (
          <div className={classes.detail}>
            <Text size="xs" fw={600}>
              {t('result.details')}
            </Text>
            {detail}
          </div>
        )}
      </Message>
    </div>
  )
}
