import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { api, send } from '@/api/client'
import { ApiError, errorOf } from '@/api/errors'
import type { Login } from '@/api/types'
import type { SignInValues, Way } from './ways'

const LIVE = 2000 // milliseconds

/** A sign-in, and how far this computer's clock is behind the gateway's, in milliseconds. */
export interface LoginNow {
  login: Login
  behind: number
}

/** Where a sign-in stands; asks again until it is over. Nothing of it is kept when nobody looks. */
export const loginQuery = (id: string) =>
  queryOptions({
    queryKey: ['logins', 'one', id],
    queryFn: async ({ signal }): Promise<LoginNow> => {
      const call = api.GET('/admin/kiro/login/{id}', { params: { path: { id } }, signal })
      const { data, error, response } = await call
      if (!data) throw errorOf(error, response)
      return { login: data, behind: clockBehind(response) }
    },
    refetchInterval: ({ state: { data, error } }) =>
      data?.login.status === 'pending' && !isGone(error) ? LIVE : false,
    staleTime: 0,
    gcTime: 0,
  })

/** The gateway has forgotten it: it was started anew, or the end is a while ago. */
export function isGone(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 404
}

function clockBehind(response: Response): number {
  const there = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(there) ? 0 : there - Date.now()
}

/** The sign-ins of an account, newest first, with those that ended in the last minutes. */
export const loginsQuery = (account: string) =>
  queryOptions({
    queryKey: ['logins', 'of', account],
    queryFn: async ({ signal }) => {
      const query = { account, status: 'all' as const }
      const { logins } = await send(api.GET('/admin/kiro/logins', { params: { query }, signal }))
      return [...logins].reverse()
    },
    staleTime: 0,
    gcTime: 0,
  })

/** Where other programs keep their sign-ins on the gateway's machine. */
export const placesQuery = queryOptions({
  queryKey: ['logins', 'places'],
  queryFn: async ({ signal }) =>
    (await send(api.GET('/admin/kiro/import-local', { signal }))).places,
  staleTime: 0,
})

/** What Kiro says of a sign-in that has just been stored; the only proof that it opens anything. */
export const checkQuery = (account: string) =>
  queryOptions({
    queryKey: ['logins', 'check', account],
    queryFn: ({ signal }) => {
      const query = { account, refresh: true }
      return send(api.GET('/admin/kiro/usage-limits', { params: { query }, signal }))
    },
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  })

/** A sign-in that goes on now, or null where all was done at once. */
export function useStart(account: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ way, values }: { way: Way; values: SignInValues }) =>
      begin(account, way, values),
    onSuccess: (login) => (login ? undefined : noteSignedIn(client)),
    // An API key is to be nowhere once it has been sent.
    gcTime: 0,
  })
}

async function begin(account: string, way: Way, values: SignInValues): Promise<Login | null> {
  switch (way) {
    case 'portal':
    case 'external': {
      const port = values.port === '' ? null : Number(values.port)
      return send(api.POST('/admin/kiro/login', { body: { account, port } }))
    }
    case 'builder': {
      const body = { account, method: 'builder_id' }
      return send(api.POST('/admin/kiro/device-login', { body }))
    }
    case 'organisation': {
      const { start_url, idc_region } = values
      const body = {
        account,
        method: 'organization',
        start_url: start_url.trim(),
        idc_region: idc_region.trim(),
      }
      return send(api.POST('/admin/kiro/device-login', { body }))
    }
    case 'import': {
      const body = { account, db_path: values.db_path || null }
      await send(api.POST('/admin/kiro/import-local', { body }))
      return null
    }
    case 'key': {
      const body = { api_key: values.api_key.trim() }
      const params = { path: { id: account } }
      await send(api.PUT('/admin/accounts/{id}', { params, body }))
      return null
    }
  }
}

/** Bring the address that the browser ended on. */
export function usePasted(id: string) {
  const show = useShow()
  return useMutation({
    mutationFn: (url: string) =>
      send(
        api.POST('/admin/kiro/login/{id}/callback', { params: { path: { id } }, body: { url } }),
      ),
    onSuccess: show,
    // It holds a code.
    gcTime: 0,
  })
}

export function useChosenProfile(id: string) {
  const show = useShow()
  return useMutation({
    mutationFn: (profile: string) =>
      send(
        api.POST('/admin/kiro/login/{id}/profile', { params: { path: { id } }, body: { profile } }),
      ),
    onSuccess: show,
  })
}

export function useCancel(id: string) {
  const show = useShow()
  return useMutation({
    mutationFn: () => send(api.DELETE('/admin/kiro/login/{id}', { params: { path: { id } } })),
    onSuccess: show,
  })
}

/** What an answer tells of a sign-in is newer than what was asked for last. */
function useShow() {
  const client = useQueryClient()
  return (login: Login) => {
    client.setQueryData(loginQuery(login.id).queryKey, (now) => ({
      login,
      behind: now?.behind ?? 0,
    }))
  }
}

/** An account can do something else now than before. */
export async function noteSignedIn(client: QueryClient): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['accounts'] }),
    client.invalidateQueries({ queryKey: ['models'] }),
  ])
}
