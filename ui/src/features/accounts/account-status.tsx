import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import type { Health } from '@/api/types'
import { useFormat } from '@/components/format'
import { Status } from '@/components/status'
import { coolingModels, TONES, wordsOf } from './health'

export function AccountStatus({ health }: { health: Health }) {
  const { t } = useTranslation('accounts')
  return <Status tone={TONES[health.state]} label={t(`state.${health.state}`)} />
}

export interface Explained {
  /** What is wrong. */
  reason: string
  /** What the service or the gateway said about it, word for word. */
  words: string | null
  /** What to do about it. */
  advice: string | null
}

/** A state in the language of the page. */
export function useExplained(): (health: Health) => Explained {
  const { t } = useTranslation('accounts')
  const format = useFormat()
  return useCallback(
    (health) => ({
      reason: t(`reason.${health.state}`, { models: format.list(coolingModels(health)) }),
      words: wordsOf(health),
      advice: health.state === 'active' ? null : t(`advice.${health.state}`),
    }),
    [t, format],
  )
}
