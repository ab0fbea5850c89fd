import { IconArrowDown, IconArrowUp, IconArrowsSort } from '@tabler/icons-react'
import { nextSort, type Column } from './columns'
import classes from './data-table.module.css'

interface HeadCellProps<Row> {
  column: Column<Row>
  sort: string | undefined
  onSort: (sort: string | undefined) => void
}

export function HeadCell<Row>({ column, sort, onSort }: HeadCellProps<Row>) {
  const { id, header, sortable, align } = column
  const up = sort === id
  const down = sort === `-${id}`
  const Icon = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort
  return (
    <th
      scope="col"
      data-align={align}
      aria-sort={!sortable ? undefined : up ? 'ascending' : down ? 'descending' : 'none'}
    >
      {sortable ? (
        <button type="button" className={classes.sort} onClick={() => onSort(nextSort(sort, id))}>
          {header}
          <Icon size={13} aria-hidden data-active={up || down || undefined} />
        </button>
      ) : (
        header
      )}
    </th>
  )
}
