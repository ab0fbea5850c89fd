import { Alert, Button, Group, Select, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { modelsQuery } from '@/api/accounts'
import type { Account, TestResult } from '@/api/types'
import { Details } from '@/components/details'
import { useFormat } from '@/components/format'
import { useExplained } from './account-status'
import { useTestAccount } from './accounts-api'
import { Problem } from './problem'
import classes from './account.module.css'

/** Asks an account something short, and shows what came of it. */
export function TestCall({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const models = useQuery(modelsQuery(account.id))
  const test = useTestAccount(account.id)
  const [model, setModel] = useState('')
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        {t('test.text')}
      </Text>
      <Group align="flex-end" gap="xs">
        <Select
          label={t('test.model')}
          className={classes.testModel}
          allowDeselect={false}
          searchable
          data={[
            { value: '', label: t('test.cheapest') },
            ...(models.data ?? []).map(({ model_id }) => model_id),
          ]}
          value={model}
          onChange={(value) => setModel(value ?? '')}
        />
        <Button loading={test.isPending} onClick={() => test.mutate(model || null)}>
          {test.data ? t('test.again') : t('test.run')}
        </Button>
      </Group>
      <div aria-live="polite" className={classes.testResult}>
        <Problem error={test.error} />
        {test.data && !test.isPending && <Outcome account={account} result={test.data} />}
      </div>
    </>
  )
}

function Outcome({ account, result }: { account: Account; result: TestResult }) {
  const { t } = useTranslation(['accounts', 'common'])
  const format = useFormat()
  const explained = useExplained()
  const none = t('common:time.none')
  const advice =
    explained(account.health).advice ??
    t(result.error?.type === 'conflict' ? 'test.what.conflict' : 'test.what.otherwise')
  return (
    <>
      {result.ok ? (
        <Alert
          color="green"
          icon={<IconCircleCheck size={18} aria-hidden />}
          title={t('test.ok')}
          mb="md"
        >
          <div className={classes.answer}>{result.text}</div>
        </Alert>
      ) : (
        <Alert
          color="red"
          icon={<IconAlertTriangle size={18} aria-hidden />}
          title={t('test.failed')}
          mb="md"
        >
          <div className={classes.answer}>{result.error?.message}</div>
          <div className={classes.whatToDo}>{advice}</div>
        </Alert>
      )}
      <Details
        items={[
          [t('test.model'), result.model ?? none],
          [
            t('test.firstToken'),
            result.first_token_ms === null ? none : format.duration(result.first_token_ms),
          ],
          [t('test.duration'), format.duration(result.duration_ms)],
          [t('test.calls'), format.number(result.upstream_calls)],
          [t('test.cost'), result.credits === null ? none : format.credits(result.credits)],
        ]}
      />
    </>
  )
}
