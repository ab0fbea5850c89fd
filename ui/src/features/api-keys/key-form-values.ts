import type { ApiKey, NewApiKey } from '@/api/types'
import { localTime } from '@/components/local-time'

/** A key as a form holds it: numbers may be empty, and the end is as people write it here. */
export interface KeyFormValues {
  name: string
  kiro_accounts: string[]
  kiro_default_account: string | null
  /** `datetime-local`: a time in the browser's own zone, or empty. */
  expires_at: string
  requests_per_minute: number | string
  max_concurrent_requests: number | string
  tokens_per_day: number | string
  credits_per_month: number | string
  allowed_models: string[]
  failover: boolean
  suppress_reasoning: boolean
  notes: string
}

export function valuesOf(key: ApiKey | null): KeyFormValues {
  return {
    name: key?.name ?? '',
    kiro_accounts: key?.kiro_accounts ?? [],
    kiro_default_account: key?.kiro_default_account ?? null,
    expires_at: key?.expires_at ? localTime(new Date(key.expires_at)) : '',
    requests_per_minute: key?.requests_per_minute ?? '',
    max_concurrent_requests: key?.max_concurrent_requests ?? '',
    tokens_per_day: key?.tokens_per_day ?? '',
    credits_per_month: key?.credits_per_month ?? '',
    allowed_models: key?.allowed_models ?? [],
    failover: key?.failover ?? false,
    suppress_reasoning: key?.suppress_reasoning ?? false,
    notes: key?.notes ?? '',
  }
}

export function keyOf(values: KeyFormValues): NewApiKey {
  return {
    ...values,
    name: values.name.trim(),
    kiro_default_account: defaultOf(values),
    expires_at: values.expires_at ? new Date(values.expires_at).toISOString() : null,
    requests_per_minute: numberOrNull(values.requests_per_minute),
    max_concurrent_requests: numberOrNull(values.max_concurrent_requests),
    tokens_per_day: numberOrNull(values.tokens_per_day),
    credits_per_month: numberOrNull(values.credits_per_month),
  }
}

/** The chosen default while it is among the accounts, else the first of them. */
export function defaultOf(
  values: Pick<KeyFormValues, 'kiro_accounts' | 'kiro_default_account'>,
): string | null {
  const { kiro_accounts: accounts, kiro_default_account: chosen } = values
  return chosen !== null && accounts.includes(chosen) ? chosen : (accounts[0] ?? null)
}

function numberOrNull(value: number | string): number | null {
  return value === '' ? null : Number(value)
}

type Problems = Partial<Record<keyof KeyFormValues, string>>

export interface Complaints {
  required: string
  wholeNumber: string
  positive: string
  noAccount: string
  past: string
}

/** What is wrong, field by field, before anything is sent. */
export function problemsOf(values: KeyFormValues, said: Complaints, now: number): Problems {
  const problems: Problems = {}
  if (!values.name.trim()) problems.name = said.required
  if (values.kiro_accounts.length === 0) problems.kiro_accounts = said.noAccount
  if (values.expires_at && Date.parse(values.expires_at) <= now) problems.expires_at = said.past
  for (const name of [
    'requests_per_minute',
    'max_concurrent_requests',
    'tokens_per_day',
  ] as const) {
    const number = numberOrNull(values[name])
    if (number !== null && !(Number.isInteger(number) && number >= 1)) {
      problems[name] = said.wholeNumber
    }
  }
  const credits = numberOrNull(values.credits_per_month)
  if (credits !== null && !(credits > 0)) problems.credits_per_month = said.positive
  return problems
}
