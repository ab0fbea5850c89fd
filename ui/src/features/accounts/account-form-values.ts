import type { Account, AccountChange, NewAccount } from '@/api/types'

/** An account as a form holds it: what is not set is empty. */
export interface AccountFormValues {
  name: string
  region: string
  api_region: string
  proxy: string
  max_concurrent_requests: number | string
  /** Empty: the gateway finds it out. */
  profile_arn: string
  /** Never shown again once it is stored; empty changes nothing. */
  api_key: string
}

export const DEFAULT_REGION = 'us-east-1'

export function valuesOf(account: Account | null): AccountFormValues {
  return {
    name: account?.name ?? '',
    region: account?.region ?? DEFAULT_REGION,
    api_region: account?.api_region ?? '',
    proxy: account?.proxy ?? '',
    max_concurrent_requests: account?.max_concurrent_requests ?? '',
    profile_arn: account?.token_info.profile_arn ?? '',
    api_key: '',
  }
}

export function newAccountOf(values: AccountFormValues): NewAccount {
  return {
    name: values.name.trim(),
    region: values.region.trim() || null,
    api_region: values.api_region.trim() || null,
    proxy: values.proxy.trim() || null,
    max_concurrent_requests: numberOrNull(values.max_concurrent_requests),
    ...(values.api_key.trim() ? { api_key: values.api_key.trim() } : {}),
  }
}

/**
 * What differs from the account as it was shown. Nothing else is sent: another profile or key ends
 * whatever is held against an account, and a proxy is shown without its password.
 */
export function changeOf(account: Account, values: AccountFormValues): AccountChange {
  const before = valuesOf(account)
  const change: AccountChange = {}
  if (values.name.trim() !== before.name) change.name = values.name.trim()
  if (values.region.trim() !== before.region) change.region = values.region.trim()
  if (values.api_region.trim() !== before.api_region) {
    change.api_region = values.api_region.trim() || null
  }
  if (values.proxy.trim() !== before.proxy) change.proxy = values.proxy.trim() || null
  if (values.max_concurrent_requests !== before.max_concurrent_requests) {
    change.max_concurrent_requests = numberOrNull(values.max_concurrent_requests)
  }
  if (values.profile_arn !== before.profile_arn) change.profile_arn = values.profile_arn || null
  if (values.api_key.trim()) change.api_key = values.api_key.trim()
  return change
}

function numberOrNull(value: number | string): number | null {
  return value === '' ? null : Number(value)
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const REGION = /^[a-z]{2}(-gov)?-[a-z]+-\d{1,2}$/i
const PROXY = /^(https?|socks5):\/\/\S+$/i
const MAX_CAP = 1_000_000

type Problems = Partial<Record<keyof AccountFormValues, string>>

export interface Complaints {
  required: string
  name: string
  region: string
  proxy: string
  wholeNumber: string
  noSpaces: string
}

/** What is wrong, field by field, before anything is sent. */
export function problemsOf(values: AccountFormValues, said: Complaints): Problems {
  const problems: Problems = {}
  const name = values.name.trim()
  if (!name) problems.name = said.required
  else if (!NAME.test(name)) problems.name = said.name
  if (!values.region.trim()) problems.region = said.required
  else if (!REGION.test(values.region.trim())) problems.region = said.region
  if (values.api_region.trim() && !REGION.test(values.api_region.trim())) {
    problems.api_region = said.region
  }
  if (values.proxy.trim() && !PROXY.test(values.proxy.trim())) problems.proxy = said.proxy
  const cap = numberOrNull(values.max_concurrent_requests)
  if (cap !== null && !(Number.isInteger(cap) && cap >= 1 && cap <= MAX_CAP)) {
    problems.max_concurrent_requests = said.wholeNumber
  }
  if (/\s/.test(values.api_key.trim())) problems.api_key = said.noSpaces
  return problems
}
