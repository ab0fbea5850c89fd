import type { InfiniteData } from '@tanstack/react-query'
import type { RequestPage, RequestRow } from '@/api/types'

export type Pages = InfiniteData<RequestPage, string | undefined>

/**
 * Put new requests before those of the first page, newest first, each once.
 *
 * Null when there is a gap between them: none of `news` is known although something is.
 */
export function mergeNewest(
  pages: Pages,
  news: readonly RequestRow[],
  { overlaps }: { overlaps: boolean },
): Pages | null {
  const first = pages.pages[0]
  if (!first) return null
  const known = new Set(pages.pages.flatMap((page) => page.requests.map(({ id }) => id)))
  const fresh = news.filter(({ id }) => !known.has(id))
  if (overlaps && fresh.length === news.length && fresh.length > 0 && known.size > 0) return null
  if (fresh.length === 0) return pages
  const requests = [...fresh, ...first.requests].sort(newestFirst)
  const more: RequestPage = { ...first, requests, total: first.total + fresh.length }
  return { ...pages, pages: [more, ...pages.pages.slice(1)] }
}

function newestFirst(a: RequestRow, b: RequestRow): number {
  return Date.parse(b.created_at) - Date.parse(a.created_at)
}
