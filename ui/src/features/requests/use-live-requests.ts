import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { LiveTail, type Live } from './live-tail'
import type { RequestSearch } from './search'

/** Keeps the list of a search up to date while `enabled`, but adds nothing to it on `hold`. */
export function useLiveRequests(
  search: RequestSearch,
  { enabled, hold }: { enabled: boolean; hold: boolean },
): Live {
  const client = useQueryClient()
  const tail = useMemo(() => new LiveTail(client, search), [client, search])
  useEffect(() => tail.setHold(hold), [tail, hold])
  useEffect(() => {
    if (!enabled) return
    tail.open()
    return () => tail.close()
  }, [tail, enabled])
  return useSyncExternalStore(tail.subscribe, tail.snapshot)
}
