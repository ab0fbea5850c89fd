import { localTime, RELATIVE_TIMES, type RelativeTime } from './times'

/** Which requests are looked at, as the address keeps it. Ids of keys and accounts. */
export interface RequestSearch {
  q?: string
  sort?: 'created_at'
  key?: string
  account?: string
  model?: string
  /** `failed`, `ok`, a status or a class of them: 404, 4xx. */
  status?: string
  /** The name of an error. */
  error?: string
  stream?: boolean
  range?: RelativeTime
  /** RFC 3339, in UTC. */
  from?: string
  to?: string
}

const STATUS = /^([1-5]([0-9]{2}|xx)|failed|ok)$/

/** What makes no sense in an address is left out, never an error. */
export function requestSearch(search: Record<string, unknown>): RequestSearch {
  const { sort, stream, range, from, to } = search
  const found: RequestSearch = {}
  for (const name of ['q', 'key', 'account', 'model', 'error'] as const) {
    const text = textOf(search[name])
    if (text) found[name] = text
  }
  const status = textOf(search['status'])
  if (status && STATUS.test(status)) found.status = status
  if (sort === 'created_at') found.sort = sort
  if (typeof stream === 'boolean') found.stream = stream
  const relative = RELATIVE_TIMES.find((known) => known === range)
  if (relative) found.range = relative
  if (isTime(from)) found.from = from
  if (isTime(to)) found.to = to
  return found
}

// The router reads ?q=42 as a number.
function textOf(value: unknown): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.trim().slice(0, 128) : ''
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

/** The names of the filters that hold, without the search for a text and the order. */
export type FilterName = 'time' | 'key' | 'account' | 'model' | 'status' | 'error' | 'stream'

export function activeFilters(search: RequestSearch): FilterName[] {
  const active: FilterName[] = []
  if (search.range ?? search.from ?? search.to) active.push('time')
  for (const name of ['key', 'account', 'model', 'status', 'error'] as const) {
    if (search[name]) active.push(name)
  }
  if (search.stream !== undefined) active.push('stream')
  return active
}

/** What is left when a filter goes. */
export function withoutFilter(name: FilterName): Partial<RequestSearch> {
  if (name === 'time') return { range: undefined, from: undefined, to: undefined }
  return { [name]: undefined }
}

/** What to change for all requests. */
export function withoutAny(search: RequestSearch): Partial<RequestSearch> {
  const every = activeFilters(search).map(withoutFilter)
  return Object.assign({ q: undefined }, ...every) as Partial<RequestSearch>
}

export interface RequestQuery {
  q?: string
  key_id?: string
  account?: string
  model?: string
  status?: string
  failed?: boolean
  error?: string
  stream?: boolean
  from?: string
  to?: string
}

/** The same as the admin API takes it; `now` in milliseconds. */
export function queryOf(search: RequestSearch, now: number): RequestQuery {
  const { q, key, account, model, error, stream, status, range } = search
  const relative = range && new Date(now - MILLISECONDS[range]).toISOString()
  return dropUndefined({
    q,
    key_id: key,
    account,
    model,
    error,
    stream,
    status: status === 'failed' || status === 'ok' ? undefined : status,
    failed: status === 'failed' ? true : status === 'ok' ? false : undefined,
    from: relative ?? search.from,
    to: range ? undefined : search.to,
  })
}

const MINUTE = 60_000
const MILLISECONDS: Record<RelativeTime, number> = {
  '15m': 15 * MINUTE,
  '1h': 60 * MINUTE,
  '24h': 24 * 60 * MINUTE,
  '7d': 7 * 24 * 60 * MINUTE,
}

/** Whether requests that end from now on can belong to it, at its beginning. */
export function canBeLive(search: RequestSearch, now: number): boolean {
  if (search.sort) return false
  return search.range !== undefined || !search.to || Date.parse(search.to) > now
}

function dropUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
}

/** A time of the address for a `datetime-local` field, and back; empty for none. */
export const fieldOfTime = (time: string | undefined) => (time ? localTime(new Date(time)) : '')
export const timeOfField = (field: string) => (field ? new Date(field).toISOString() : undefined)
