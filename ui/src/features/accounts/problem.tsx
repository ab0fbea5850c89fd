import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'

/** Why what a button does did not work, beside the button. */
export function Problem({ error }: { error: Error | null }) {
  const { t } = useTranslation()
  if (!error) return null
  return (
    <Text role="alert" size="sm" c="var(--ui-bad)" mb="sm" style={{ overflowWrap: 'anywhere' }}>
      {error instanceof Unreachable ? t('state.unreachable') : error.message}
    </Text>
  )
}
