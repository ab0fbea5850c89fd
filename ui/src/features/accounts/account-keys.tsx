import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { LoadError } from '@/components/load-error'
import { Loading } from '@/components/loading'
import { Panel } from '@/components/panel'
import { keysOfAccountQuery } from './accounts-api'
import classes from './account.module.css'

const SHOWN = 50 // keys

/** Who is served by an account. */
export function AccountKeys({ id }: { id: string }) {
  const { t } = useTranslation('accounts')
  const keys = useQuery(keysOfAccountQuery(id, SHOWN))
  const more = (keys.data?.total ?? 0) - (keys.data?.keys.length ?? 0)
  return (
    <Panel title={t('keys.title')}>
      {keys.isPending && <Loading lines={1} />}
      {keys.isError && !keys.data && (
        <LoadError error={keys.error} onRetry={keys.refetch} retrying={keys.isFetching} />
      )}
      {keys.data?.total === 0 && (
        <Text size="sm" c="dimmed">
          {t('keys.none')}{' '}
          <Button
            size="compact-sm"
            variant="subtle"
            renderRoot={(props) => <Link to="/keys" {...props} />}
          >
            {t('keys.make')}
          </Button>
        </Text>
      )}
      {keys.data && keys.data.total > 0 && (
        <ul className={classes.chips}>
          {keys.data.keys.map((key) => (
            <li key={key.id}>
              <Link to="/keys/$id" params={{ id: key.id }} className={classes.chip}>
                {key.name}
              </Link>
            </li>
          ))}
          {more > 0 && <li className={classes.more}>{t('keys.more', { count: more })}</li>}
        </ul>
      )}
    </Panel>
  )
}
