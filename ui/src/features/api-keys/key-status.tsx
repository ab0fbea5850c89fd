import { useTranslation } from 'react-i18next'
import type { ApiKey } from '@/api/types'
import { Status } from '@/components/status'
import { useNow } from '@/components/time-ago'
import { stateOf, TONES } from './standing'

export function KeyStatus({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation('keys')
  const state = stateOf(apiKey, useNow())
  return <Status tone={TONES[state]} label={t(`state.${state}`)} />
}
