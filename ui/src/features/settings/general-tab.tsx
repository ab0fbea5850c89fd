import { Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import { BodyCapture } from '@/components/body-capture'
import { CodeView } from '@/components/code-view'
import { Details } from '@/components/details'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Panel } from '@/components/panel'
import { Status } from '@/components/status'
import { useUpdateCheck, versionQuery } from './settings-api'
import classes from './settings.module.css'

/** What is running, whether there is something newer, and the switch for bodies. */
export function GeneralTab() {
  const { t } = useTranslation('settings')
  const version = useQuery(versionQuery)
  return (
    <>
      <div className={classes.columns}>
        <Panel title={t('about.title')}>
          {version.isPending ? (
            <Loading lines={3} />
          ) : version.data ? (
            <Details
              items={[
                [t('about.version'), version.data.version],
                [t('about.python'), version.data.python],
                [t('about.platform'), version.data.platform],
                [t('about.licence'), t('about.licenceText')],
              ]}
            />
          ) : (
            <LoadError
              error={version.error}
              onRetry={version.refetch}
              retrying={version.isFetching}
            />
          )}
          <Text size="sm" mt="md">
            <a href="/openapi.json" target="_blank" rel="noreferrer" className={classes.link}>
              {t('about.api')}
            </a>
          </Text>
        </Panel>
        <Panel title={t('update.title')}>
          <Update />
        </Panel>
      </div>
      <Panel title={t('about.notice')}>
        <Text size="sm" maw="80ch">
          {t('about.noticeText')}
        </Text>
      </Panel>
      <Panel title={t('capture.title')}>
        <Text size="sm" c="dimmed" mb="sm" maw="80ch">
          {t('capture.text')}
        </Text>
        <BodyCapture />
      </Panel>
    </>
  )
}

function Update() {
  const { t } = useTranslation(['settings', 'common'])
  const check = useUpdateCheck()
  const update = check.data?.update
  const problem =
    check.error instanceof Unreachable
      ? t('common:state.unreachable')
      : (update?.error ?? check.error?.message)
  return (
    <Stack gap="sm" align="stretch">
      <Text size="sm" c="dimmed">
        {t('update.hint')}
      </Text>
      <div>
        <Button
          variant="default"
          size="xs"
          loading={check.isPending}
          onClick={() => check.mutate()}
        >
          {t('update.check')}
        </Button>
      </div>
      <div role="status">
        {!check.isPending && problem && (
          <>
            <Status tone="warn" label={t('update.failed')} />
            <Text size="sm" c="dimmed" mt={4}>
              {problem}
            </Text>
          </>
        )}
        {update && !update.error && (
          <Status
            tone={update.available ? 'info' : 'ok'}
            label={
              update.available
                ? t('update.available', { version: update.newest })
                : t('update.current')
            }
          />
        )}
      </div>
      {update?.available && (
        <>
          <Text size="sm">{t('update.how')}</Text>
          <CodeView label={t('update.command')} text="kiro-gateway update --restart" />
          <Text size="xs" c="dimmed">
            {t('update.container')}
          </Text>
        </>
      )}
    </Stack>
  )
}
