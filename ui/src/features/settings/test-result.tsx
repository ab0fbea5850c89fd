import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { TestedChannel } from '@/api/types'
import { useFormat } from '@/components/format'
import { Status } from '@/components/status'

interface TestResultProps {
  result: TestedChannel | undefined
  error: Error | null
}

/** Whether a test message arrived, or why not. */
export function TestResult({ result, error }: TestResultProps) {
  const { t } = useTranslation(['settings', 'common'])
  const format = useFormat()
  if (!result && !error) return null
  if (result?.delivered) {
    const duration = format.duration(result.milliseconds)
    return <Status tone="ok" label={t('notify.arrived', { duration })} />
  }
  const why =
    error instanceof Unreachable
      ? t('common:state.unreachable')
      : (result?.error ?? error?.message ?? '')
  return (
    <>
      <Status tone="bad" label={t('notify.notArrived')} />
      <Text size="sm" c="dimmed">
        {why}
      </Text>
    </>
  )
}
