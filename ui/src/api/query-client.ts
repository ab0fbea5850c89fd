import { QueryClient, QueryCache, MutationCache } from '@tanstack/react-query'
import { ApiError } from './errors'

/** `onSignedOut` is told when the gateway no longer knows the session. */
export function makeQueryClient(onSignedOut: (client: QueryClient) => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) onSignedOut(client)
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // The gateway may well be on this machine: being offline says nothing.
        networkMode: 'always',
        staleTime: 10_000,
        retry: (count, error) => error instanceof ApiError && error.status >= 500 && count < 1,
      },
      mutations: { networkMode: 'always' },
    },
  })
  return client
}
