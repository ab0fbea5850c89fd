import { expect, test } from 'vitest'
import type { RequestRow } from '@/api/types'
import { mergeNewest, type Pages } from './pages'

const row = (second: number): RequestRow =>
  ({
    id: `r${second}`,
    created_at: new Date(Date.UTC(2026, 5, 15, 12, 0, second)).toISOString(),
  }) as RequestRow
const pagesOf = (...pages: number[][]): Pages => ({
  pages: pages.map((seconds, place) => ({
    requests: seconds.map(row),
    total: pages.flat().length,
    total_is_exact: true,
    next_cursor: place < pages.length - 1 ? `c${place}` : null,
  })),
  pageParams: pages.map(() => undefined),
})
const ids = (pages: Pages | null) =>
  pages?.pages.map(({ requests }) => requests.map(({ id }) => id).join(' '))

test('what is new comes first, newest on top, each once', () => {
  const merged = mergeNewest(pagesOf([5, 4], [3]), [row(6), row(7), row(4)], { overlaps: false })
  expect(ids(merged)).toEqual(['r7 r6 r5 r4', 'r3'])
  expect(merged?.pages[0]?.total).toBe(5)
  expect(merged?.pages[0]?.next_cursor).toBe('c0')
})

test('what is known already changes nothing', () => {
  const pages = pagesOf([5, 4], [3])
  expect(mergeNewest(pages, [row(3), row(5)], { overlaps: true })).toBe(pages)
})

test('a gap is found where the newest should overlap with what is known', () => {
  expect(mergeNewest(pagesOf([5]), [row(9), row(8)], { overlaps: true })).toBeNull()
  expect(ids(mergeNewest(pagesOf([5]), [row(6), row(5)], { overlaps: true }))).toEqual(['r6 r5'])
})

test('the first requests of an empty log are no gap', () => {
  expect(ids(mergeNewest(pagesOf([]), [row(1)], { overlaps: true }))).toEqual(['r1'])
})
