import type { QueryClient } from '@tanstack/react-query'
import type { RequestRow } from '@/api/types'
import { mergeNewest, type Pages } from './pages'
import { fetchRequests, FIRST, requestsQuery } from './requests-api'
import { queryOf, type RequestSearch } from './search'

export interface Live {
  state: 'off' | 'connecting' | 'live' | 'lost'
  /** How many have come that are not shown yet. */
  waiting: number
}

const GATHER = 100 // milliseconds; many come at once
const CATCH_UP = 50 // rows asked for when the tail begins
const REOPEN = 5000 // milliseconds
/** Beyond so many that came live, the list begins anew. */
const MOST = 3000

/**
 * Follows the log and puts what is new into the list's query, unless that is on hold; what came
 * meanwhile follows when the hold ends.
 */
export class LiveTail {
  private source: EventSource | undefined
  private reopening: ReturnType<typeof setTimeout> | undefined
  private gathering: ReturnType<typeof setTimeout> | undefined
  private held: RequestRow[] = []
  private hold = false
  private live: Live = { state: 'off', waiting: 0 }
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly client: QueryClient,
    private readonly search: RequestSearch,
  ) {}

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  readonly snapshot = () => this.live

  setHold(hold: boolean): void {
    this.hold = hold
    if (!hold) this.flush()
  }

  open(): void {
    this.tell({ state: 'connecting' })
    const query = Object.entries(queryOf(this.search, Date.now()))
    const pairs = query.map(([name, value]): [string, string] => [name, String(value)])
    const source = new EventSource(`/admin/requests?${new URLSearchParams(pairs).toString()}`)
    this.source = source
    source.addEventListener('open', () => {
      this.tell({ state: 'live' })
      this.try(() => this.catchUp())
    })
    source.addEventListener('request', ({ data }: MessageEvent<string>) =>
      this.hear(JSON.parse(data) as RequestRow),
    )
    source.addEventListener('error', () => {
      this.tell({ state: 'lost' })
      if (source.readyState !== EventSource.CLOSED) return // it comes back by itself
      // Refused: signed out, or too many follow already. Asking tells the page which.
      this.try(() => this.client.fetchQuery({ ...this.check(), staleTime: 0 }))
      this.reopening = setTimeout(() => this.open(), REOPEN)
    })
  }

  close(): void {
    this.source?.close()
    clearTimeout(this.reopening)
    clearTimeout(this.gathering)
    this.gathering = undefined
    this.held = []
    this.tell({ state: 'off', waiting: 0 })
  }

  private check() {
    return { queryKey: ['requests', 'check'], queryFn: () => fetchRequests(this.search, 1) }
  }

  private hear(row: RequestRow): void {
    this.held.push(row)
    if (this.held.length > MOST) this.held.splice(0, this.held.length - MOST)
    if (this.hold) this.tell({ waiting: this.held.length })
    else this.gathering ??= setTimeout(() => this.flush(), GATHER)
  }

  private flush(): void {
    this.gathering = undefined
    if (this.hold || this.held.length === 0) return
    const news = this.held
    this.held = []
    this.tell({ waiting: 0 })
    this.try(() => this.show(news, false))
  }

  /** Between the first page and the begin of the tail something may have come. */
  private async catchUp(): Promise<void> {
    await this.client.fetchInfiniteQuery(requestsQuery(this.search))
    const { requests } = await fetchRequests(this.search, CATCH_UP)
    await this.show(requests, true)
  }

  private async show(news: RequestRow[], overlaps: boolean): Promise<void> {
    const { queryKey } = requestsQuery(this.search)
    const shown = this.client.getQueryData<Pages>(queryKey)
    if (!shown) return
    const merged = mergeNewest(shown, news, { overlaps })
    if (merged && (merged.pages[0]?.requests.length ?? 0) <= FIRST + MOST) {
      this.client.setQueryData<Pages>(queryKey, merged)
      return
    }
    const page = await fetchRequests(this.search, FIRST)
    this.client.setQueryData<Pages>(queryKey, { pages: [page], pageParams: [undefined] })
  }

  /** What fails here is shown by the list, or comes with what is new next. */
  private try(doing: () => Promise<unknown>): void {
    doing().catch(() => {})
  }

  private tell(change: Partial<Live>): void {
    this.live = { ...this.live, ...change }
    for (const listener of this.listeners) listener()
  }
}
