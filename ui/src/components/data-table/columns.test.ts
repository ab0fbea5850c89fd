import { describe, expect, test } from 'vitest'
import { columnWidths, fittingColumns, nextSort, sortRows, wantedColumns } from './columns'

const COLUMNS = [
  { id: 'name', width: 200 },
  { id: 'status', width: 100, priority: 1 },
  { id: 'notes', width: 300, priority: 9 },
  { id: 'used', width: 100, priority: 3 },
  { id: 'made', width: 100, priority: 3 },
]
const ids = (columns: { id: string }[]) => columns.map(({ id }) => id)

describe('columns that fit', () => {
  test.each([
    [800, ['name', 'status', 'notes', 'used', 'made']],
    [799, ['name', 'status', 'used', 'made']],
    [499, ['name', 'status', 'used']],
    [399, ['name', 'status']],
    [10, ['name']],
  ])('into %d pixels', (available, expected) => {
    expect(ids(fittingColumns(COLUMNS, available))).toEqual(expected)
  })

  test('share what is left over by their weight', () => {
    const columns = [
      { id: 'a', width: 100, grow: 3 },
      { id: 'b', width: 100 },
      { id: 'c', width: 50, grow: 0 },
    ]
    expect(columnWidths(columns, 650)).toEqual([400, 200, 50])
  })

  test('are never narrower than they need to be', () => {
    expect(columnWidths(COLUMNS.slice(0, 1), 10)).toEqual([200])
  })
})

test('the first column is shown whatever was chosen', () => {
  const columns = ['name', 'a', 'b'].map((id) => ({
    id,
    header: id,
    width: 1,
    cell: () => null,
    initiallyHidden: id === 'b',
  }))
  expect(ids(wantedColumns(columns, null))).toEqual(['name', 'a'])
  expect(ids(wantedColumns(columns, ['b']))).toEqual(['name', 'b'])
})

test('a column that was asked for stays where others have to go', () => {
  const columns = ['name', 'a', 'extra'].map((id) => ({
    id,
    header: id,
    width: 100,
    cell: () => null,
    priority: id === 'extra' ? 9 : 3,
    initiallyHidden: id === 'extra',
  }))
  const wanted = wantedColumns(columns, ['a', 'extra'])
  expect(ids(fittingColumns(wanted, 250))).toEqual(['name', 'extra'])
})

test('pressing a head again and again goes up, down and away', () => {
  const sorts = [undefined, 'name', '-name'].map((sort) => nextSort(sort, 'name'))
  expect(sorts).toEqual(['name', '-name', undefined])
  expect(nextSort('-used', 'name')).toBe('name')
})

describe('sorting', () => {
  const rows = [
    { id: 1, name: 'key 10', used: 5 },
    { id: 2, name: 'Key 9', used: null },
    { id: 3, name: 'alpha', used: 7 },
  ]
  const order = (sort: string | undefined) =>
    sortRows(rows, sort, (row, column) => row[column as 'name' | 'used']).map(({ id }) => id)

  test('reads numbers in names, and no capitals', () => {
    expect(order('name')).toEqual([3, 2, 1])
    expect(order('-name')).toEqual([1, 2, 3])
  })

  test('puts what has no value last in both directions', () => {
    expect(order('used')).toEqual([1, 3, 2])
    expect(order('-used')).toEqual([3, 1, 2])
  })

  test('leaves the list as it comes without a sort', () => {
    expect(order(undefined)).toEqual([1, 2, 3])
  })
})
