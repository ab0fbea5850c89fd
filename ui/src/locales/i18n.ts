import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { chooseLanguage, LANGUAGES, type Language } from './language'
import './catalogue'

const STORED_AS = 'kiro-gateway-language'
/** What every page needs; the rest comes with the pages. */
const FIRST = ['common', 'shell', 'session'] as const

const catalogues = import.meta.glob<{ default: Record<string, unknown> }>([
  './en/*.ts',
  './zh/*.ts',
])

export const i18n = createInstance()

/** Load the language of choice; nothing is drawn before. */
export async function startTexts(): Promise<void> {
  await i18n
    .use({
      type: 'backend' as const,
      read: async (language: string, namespace: string) => {
        const load = catalogues[`./${language}/${namespace}.ts`]
        if (!load) throw new Error(`no texts ${language}/${namespace}`)
        return (await load()).default
      },
      init: () => {},
    })
    .use(initReactI18next)
    .init({
      lng: chooseLanguage(localStorage.getItem(STORED_AS), navigator.languages),
      supportedLngs: LANGUAGES,
      fallbackLng: false,
      ns: FIRST,
      defaultNS: 'common',
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    })
  document.documentElement.lang = i18n.language
}

export async function setLanguage(language: Language): Promise<void> {
  await i18n.changeLanguage(language)
  localStorage.setItem(STORED_AS, language)
  document.documentElement.lang = language
}
