import type accounts from './en/accounts'
import type common from './en/common'
import type firstRun from './en/first-run'
import type keys from './en/keys'
import type overview from './en/overview'
import type playground from './en/playground'
import type requests from './en/requests'
import type session from './en/session'
import type settings from './en/settings'
import type shell from './en/shell'
import type signIn from './en/sign-in'
import type usage from './en/usage'

/** Every catalogue by its namespace; English decides which texts there are. */
export interface Catalogues {
  accounts: typeof accounts
  common: typeof common
  'first-run': typeof firstRun
  keys: typeof keys
  overview: typeof overview
  playground: typeof playground
  requests: typeof requests
  session: typeof session
  settings: typeof settings
  shell: typeof shell
  'sign-in': typeof signIn
  usage: typeof usage
}

/** What another language has to bring: the same keys, but only one plural form (`_other`). */
export type Translation<English> = {
  [Key in keyof English as Key extends `${string}_one` ? never : Key]: English[Key] extends string
    ? string
    : Translation<English[Key]>
}

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: Catalogues
  }
}
