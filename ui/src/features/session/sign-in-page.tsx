import { Button, Code, Group, Paper, Text, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Brand } from '@/components/brand'
import { CopyButton } from '@/components/copy-button'
import { useDocumentTitle } from '@/components/page'
import { ProblemAlert, SignInForm } from './sign-in-form'
import type { Problem } from './sign-in-problem'
import classes from './sign-in-page.module.css'

const RESET = 'kiro-gateway admin-key reset'
const ASK_AGAIN = 3000 // milliseconds

interface SignInPageProps {
  problem: Problem | null
  /** Ask the gateway once more whether it is there and lets this address in. */
  onRetry: () => void
  /** Language and appearance, for who has not signed in yet. */
  preferences: ReactNode
}

export function SignInPage({ problem, onRetry, preferences }: SignInPageProps) {
  const { t } = useTranslation(['session', 'common'])
  useDocumentTitle(t('title'))
  const away = problem?.kind === 'away'
  const shut = away || problem?.kind === 'notAllowed'
  useEffect(() => {
    if (!away) return
    const timer = setInterval(onRetry, ASK_AGAIN)
    return () => clearInterval(timer)
  }, [away, onRetry])

  return (
    <div className={classes.root}>
      <div className={classes.corner}>{preferences}</div>
      <main className={classes.main}>
        <Group gap="sm" mb="lg" justify="center">
          <Brand size={34} />
          <Text fw={650} size="lg">
            {t('common:product')}
          </Text>
        </Group>
        <Paper className={classes.card}>
          <Title order={1} size="h3">
            {t('title')}
          </Title>
          {shut ? (
            <div className={classes.shut}>
              <ProblemAlert problem={problem} />
              <Button variant="default" onClick={onRetry} fullWidth>
                {t('common:action.retry')}
              </Button>
            </div>
          ) : (
            <>
              <Text c="dimmed" size="sm" mt={4} mb="lg">
                {t('subtitle')}
              </Text>
              <SignInForm problem={problem} />
            </>
          )}
        </Paper>
        {!shut && (
          <div className={classes.hint}>
            <Text size="sm" c="dimmed">
              {t('hint')}
            </Text>
            <Group gap={4} mt={6} justify="center">
              <Code>{RESET}</Code>
              <CopyButton text={RESET} label={RESET} />
            </Group>
          </div>
        )}
      </main>
    </div>
  )
}
