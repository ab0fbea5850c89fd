import { useTranslation } from 'react-i18next'
import type { Catalogues } from '@/locales/catalogue'

type KnownError = keyof Catalogues['requests']['error']

export interface ErrorWord {
  title: string
  /** What to do about it; null for an error that nobody knows here. */
  advice: string | null
}

/** An error of the gateway, by its name, in words. */
export function useErrorWord(): (name: string) => ErrorWord {
  const { t, i18n } = useTranslation('requests')
  return (name) => {
    if (!i18n.exists(`requests:error.${name}.title`)) return { title: name, advice: null }
    const known = name as KnownError
    return { title: t(`error.${known}.title`), advice: t(`error.${known}.advice`) }
  }
}
