import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

const METHODS = ['social', 'builder_id', 'idc', 'external_idp', 'api_key'] as const

/** How an account signed in, in words; null for one that nobody has signed in. */
export function useMethodName(): (method: string | null) => string | null {
  const { t } = useTranslation('accounts')
  return useCallback(
    (method) => {
      const known = METHODS.find((one) => one === method)
      return known ? t(`method.${known}`) : method
    },
    [t],
  )
}
