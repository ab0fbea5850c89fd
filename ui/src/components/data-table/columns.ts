import type { ReactNode } from 'react'

export interface Column<Row> {
  /** Also what a sort by this column is called: `name`, `-name`. */
  id: string
  header: string
  cell: (row: Row) => ReactNode
  /** The least that it needs, in pixels. */
  width: number
  /** Its part of what is left over; 1 unless said otherwise. */
  grow?: number
  align?: 'end'
  sortable?: boolean
  /** Where there is no room, the highest number goes first; 0, as the first column has it, never. */
  priority?: number
  /** Not shown until somebody chooses it. */
  initiallyHidden?: boolean
}

type Fitted = Pick<Column<never>, 'id' | 'width' | 'priority' | 'grow'>

/**
 * The columns that somebody wants to see: the chosen ones, else those not hidden at first. What
 * was asked for by name matters more than what was there anyway.
 */
export function wantedColumns<Row>(
  columns: readonly Column<Row>[],
  chosen: readonly string[] | null,
): Column<Row>[] {
  return columns
    .filter(
      (column, place) =>
        place === 0 || (chosen ? chosen.includes(column.id) : !column.initiallyHidden),
    )
    .map((column) => (column.initiallyHidden ? { ...column, priority: 1 } : column))
}

/** Those of them that fit into a width, in their order. The first one always stays. */
export function fittingColumns<C extends Fitted>(columns: readonly C[], available: number): C[] {
  const left = [...columns]
  const needed = () => left.reduce((sum, column) => sum + column.width, 0)
  while (left.length > 1 && needed() > available) {
    let worst = 1
    left.forEach((column, place) => {
      // Of two that matter equally, the one further right goes.
      if (place > 0 && (column.priority ?? 5) >= (left[worst]?.priority ?? 5)) worst = place
    })
    left.splice(worst, 1)
  }
  return left
}

/** How wide each column becomes when they share what is left over. */
export function columnWidths(columns: readonly Fitted[], available: number): number[] {
  const needed = columns.reduce((sum, column) => sum + column.width, 0)
  const shares = columns.reduce((sum, column) => sum + (column.grow ?? 1), 0)
  const left = Math.max(0, available - needed)
  return columns.map((column) =>
    Math.floor(column.width + (shares ? (left * (column.grow ?? 1)) / shares : 0)),
  )
}

/** What a press on a column's head sorts by next: up, down, then as the list comes. */
export function nextSort(sort: string | undefined, column: string): string | undefined {
  if (sort === column) return `-${column}`
  return sort === `-${column}` ? undefined : column
}

/** Sort rows that are all here already. `valueOf` says what a column sorts by. */
export function sortRows<Row>(
  rows: readonly Row[],
  sort: string | undefined,
  valueOf: (row: Row, column: string) => string | number | boolean | null | undefined,
): Row[] {
  if (!sort) return [...rows]
  const column = sort.replace(/^-/, '')
  const direction = sort.startsWith('-') ? -1 : 1
  const compareText = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare
  return rows
    .map((row) => ({ row, value: valueOf(row, column) }))
    .sort(({ value: a }, { value: b }) => {
      // What has no value comes last, whatever the direction.
      if (a === b) return 0
      if (a === null || a === undefined) return 1
      if (b === null || b === undefined) return -1
      if (typeof a === 'string' && typeof b === 'string') return compareText(a, b) * direction
      return (Number(a) - Number(b)) * direction
    })
    .map(({ row }) => row)
}
