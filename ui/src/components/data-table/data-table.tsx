import { Button, Skeleton, Text, VisuallyHidden } from '@mantine/core'
import { useElementSize, useLocalStorage } from '@mantine/hooks'
import { IconSearchOff } from '@tabler/icons-react'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
} from 'react'
import { useTranslation } from 'react-i18next'
import { LoadError } from '../load-error'
import { Message } from '../message'
import { columnWidths, fittingColumns, wantedColumns, type Column } from './columns'
import { HeadCell } from './head-cell'
import { Toolbar } from './toolbar'
import classes from './data-table.module.css'

const ROW = 45 // pixels; every row of the table is one line high
const CARD = 132 // pixels, about; cards are measured
const CARDS_BELOW = 620 // pixels
const ACTIONS = 56 // pixels
/** So many rows before the end more are asked for. */
const EARLY = 30

export interface DataTableProps<Row> {
  /** What the rows are, in the plural: "API keys". */
  label: string
  /** Under which name the choice of columns is remembered. */
  id: string
  columns: Column<Row>[]
  /** Undefined while they are loaded for the first time. */
  rows: Row[] | undefined
  rowKey: (row: Row) => string
  /** How many there are on all pages, of those that match the search. */
  total?: number
  /** False: there are more than `total`, counting them would take long. */
  totalIsExact?: boolean
  error?: Error | null
  onRetry: () => unknown
  retrying?: boolean
  /** Instead of the table when there is no row and no search. */
  empty: ReactNode
  sort?: string
  onSort: (sort: string | undefined) => void
  /** Without it there is no search; the page has filters of its own. */
  search?: string
  /** What is searched for; in the field while that is empty. */
  searchHint?: string
  onSearch?: (search: string) => void
  /** A last row that sums the others up; its first cell is not drawn but says `label`. */
  totals?: { label: string; row: Row }
  /** Beside the search: further filters. */
  filters?: ReactNode
  /** Instead of rows while filters hold that none of them matches. */
  noMatch?: ReactNode
  /** At the end of each row: a menu, a button. */
  actions?: (row: Row) => ReactNode
  /** A press on a row, besides the link in its first cell. */
  onOpen?: (row: Row) => void
  /** The last rows are about to be seen; there are more on the gateway. */
  onEnd?: () => void
  loadingMore?: boolean
}

/**
 * Rows to look through: search, sort, a choice of columns, and as many rows as there are, of which
 * only those in sight are drawn. Cards where there is no room for columns.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, rows, error, search = '', onSearch, noMatch } = props
  const { t } = useTranslation()
  const { ref, width } = useElementSize()
  const [chosen, setChosen] = useLocalStorage<string[] | null>({
    key: `kiro-gateway-columns-${props.id}`,
    defaultValue: null,
    getInitialValueInEffect: false,
  })
  const cards = width > 0 && width < CARDS_BELOW
  const room = width - (props.actions ? ACTIONS : 0)
  const wanted = wantedColumns(columns, chosen)
  const shown = cards ? wanted : fittingColumns(wanted, room)

  if (rows?.length === 0 && !search && !noMatch && !error) return props.empty
  return (
    <div ref={ref} className={classes.root}>
      <Toolbar
        {...props}
        wanted={wanted.map(({ id }) => id)}
        shown={shown.map(({ id }) => id)}
        onChoose={setChosen}
        sortable={cards}
      />
      {error && (!rows || rows.length === 0) ? (
        <LoadError error={error} onRetry={props.onRetry} retrying={props.retrying} />
      ) : rows?.length === 0 && noMatch ? (
        noMatch
      ) : rows?.length === 0 ? (
        <Message
          icon={IconSearchOff}
          title={t('table.noMatch', { search })}
          action={
            <Button variant="default" size="xs" onClick={() => onSearch?.('')}>
              {t('table.clearSearch')}
            </Button>
          }
        >
          {t('table.noMatchHint')}
        </Message>
      ) : (
        width > 0 && <Rows {...props} shown={shown} cards={cards} width={room} />
      )}
    </div>
  )
}

interface RowsProps<Row> extends DataTableProps<Row> {
  shown: Column<Row>[]
  cards: boolean
  width: number
}

function Rows<Row>(props: RowsProps<Row>) {
  const { rows = [], shown, cards, width, rowKey, actions, onOpen, onEnd, loadingMore } = props
  const pending = props.rows === undefined
  const { t } = useTranslation()
  const list = useRef<HTMLDivElement>(null)
  const [margin, setMargin] = useState(0)
  useLayoutEffect(() => {
    const top = list.current?.getBoundingClientRect().top ?? 0

    setMargin(Math.round(top + window.scrollY))
  }, [cards, rows.length])
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => (cards ? CARD : ROW),
    overscan: 12,
    scrollMargin: margin,
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : rowKey(row)
    },
  })
  const items = virtualizer.getVirtualItems()
  const first = items[0]
  const last = items.at(-1)

  useEffect(() => virtualizer.measure(), [cards, virtualizer])
  const nearEnd = last !== undefined && last.index >= rows.length - EARLY
  useEffect(() => {
    if (nearEnd && !loadingMore) onEnd?.()
  }, [nearEnd, loadingMore, onEnd, rows.length])

  const before = first ? first.start - margin : 0
  const after = last ? virtualizer.getTotalSize() - (last.end - margin) : 0
  const open = (row: Row) => (event: MouseEvent<HTMLElement>) => {
    const target = event.target as HTMLElement
    // What is inside a menu is drawn elsewhere, but its clicks still come by here.
    if (!event.currentTarget.contains(target)) return
    if (target.closest('a, button, input, label') || window.getSelection()?.toString()) return
    onOpen?.(row)
  }
  const walk = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const at = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index']
    if (!step || at === undefined || !(event.target as HTMLElement).matches('a')) return
    const next = Number(at) + step
    if (next < 0 || next >= rows.length) return
    event.preventDefault()
    virtualizer.scrollToIndex(next)
    const link = () => list.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)
    if (link()) link()?.focus()
    else requestAnimationFrame(() => link()?.focus())
  }
  const { totals } = props
  const more = loadingMore && (
    <Text size="sm" c="dimmed" ta="center" p="sm" role="status">
      {t('table.loadingMore')}
    </Text>
  )

  if (cards) {
    return (
      <div ref={list}>
        <div role="list" aria-label={props.label} aria-busy={pending} onKeyDown={walk}>
          {pending && <CardSkeletons />}
          {totals && rows.length > 0 && (
            <div role="listitem" className={classes.card} data-totals>
              <div className={classes.cardTitle}>{totals.label}</div>
              <Cells columns={shown} row={totals.row} />
            </div>
          )}
          <div style={{ height: before }} />
          {items.map(({ index, key }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <div
                key={key}
                role="listitem"
                ref={virtualizer.measureElement}
                data-index={index}
                className={classes.card}
                data-open={onOpen ? true : undefined}
                onClick={open(row)}
              >
                <div className={classes.cardHead}>
                  <div className={classes.cardTitle}>{shown[0]?.cell(row)}</div>
                  {actions?.(row)}
                </div>
                <Cells columns={shown} row={row} />
              </div>
            )
          })}
          <div style={{ height: after }} />
        </div>
        {more}
      </div>
    )
  }

  const widths = columnWidths(shown, width)
  return (
    <div ref={list}>
      <table
        className={classes.table}
        aria-label={props.label}
        aria-rowcount={(props.total ?? rows.length) + (totals ? 2 : 1)}
        aria-busy={pending}
      >
        <colgroup>
          {shown.map((column, place) => (
            <col key={column.id} style={{ width: widths[place] }} />
          ))}
          {actions && <col style={{ width: ACTIONS }} />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {shown.map((column) => (
              <HeadCell key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
            ))}
            {actions && (
              <th>
                <VisuallyHidden>{t('action.more')}</VisuallyHidden>
              </th>
            )}
          </tr>
        </thead>
        <tbody onKeyDown={walk}>
          {pending && <RowSkeletons columns={shown.length + (actions ? 1 : 0)} />}
          {before > 0 && (
            <tr aria-hidden>
              <td colSpan={shown.length + 1} style={{ height: before }} />
            </tr>
          )}
          {items.map(({ index, key }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <tr
                key={key}
                aria-rowindex={index + 2}
                data-index={index}
                data-open={onOpen ? true : undefined}
                onClick={open(row)}
              >
                {shown.map((column) => (
                  <td key={column.id} data-align={column.align}>
                    {column.cell(row)}
                  </td>
                ))}
                {actions && <td className={classes.actions}>{actions(row)}</td>}
              </tr>
            )
          })}
          {after > 0 && (
            <tr aria-hidden>
              <td colSpan={shown.length + 1} style={{ height: after }} />
            </tr>
          )}
        </tbody>
        {totals && rows.length > 0 && (
          <tfoot>
            <tr aria-rowindex={(props.total ?? rows.length) + 2}>
              <th scope="row">{totals.label}</th>
              {shown.slice(1).map((column) => (
                <td key={column.id} data-align={column.align}>
                  {column.cell(totals.row)}
                </td>
              ))}
              {actions && <td />}
            </tr>
          </tfoot>
        )}
      </table>
      {more}
    </div>
  )
}

function Cells<Row>({ columns, row }: { columns: Column<Row>[]; row: Row }) {
  return (
    <dl>
      {columns.slice(1).map((column) => {
        const cell = column.cell(row)
        if (cell === null) return null
        return (
          <div key={column.id}>
            <dt>{column.header}</dt>
            <dd>{cell}</dd>
          </div>
        )
      })}
    </dl>
  )
}

function RowSkeletons({ columns }: { columns: number }) {
  return Array.from({ length: 6 }, (_, row) => (
    <tr key={row} aria-hidden>
      {Array.from({ length: columns }, (_, column) => (
        <td key={column}>
          <Skeleton
            height={12}
            width={column === columns - 1 ? 20 : `${80 - ((row * 13 + column * 29) % 45)}%`}
          />
        </td>
      ))}
    </tr>
  ))
}

function CardSkeletons() {
  return Array.from({ length: 4 }, (_, card) => (
    <div key={card} className={classes.card} aria-hidden>
      <Skeleton height={16} width="55%" mb="sm" />
      <Skeleton height={12} width="85%" mb={8} />
      <Skeleton height={12} width="70%" />
    </div>
  ))
}
