import { ActionIcon, Loader, NativeSelect, Popover, Text, TextInput, Tooltip } from '@mantine/core'
import { IconColumns3, IconSearch, IconX } from '@tabler/icons-react'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../format'
import type { DataTableProps } from './data-table'
import classes from './data-table.module.css'

const ColumnChoice = lazy(() => import('./column-choice'))

const PATIENCE = 250 // milliseconds of no typing before a search begins

interface ToolbarProps<Row> extends DataTableProps<Row> {
  wanted: string[]
  shown: string[]
  onChoose: (chosen: string[]) => void
  /** There are no heads to press. */
  sortable: boolean
}

export function Toolbar<Row>(props: ToolbarProps<Row>) {
  const { columns, rows, wanted, shown, sort, onSort, total } = props
  const { t } = useTranslation()
  const format = useFormat()
  const count = total ?? rows?.length
  return (
    <div className={classes.toolbar} role={props.onSearch && 'search'}>
      {props.onSearch && (
        <SearchField
          label={`${t('table.search')}: ${props.label}`}
          hint={props.searchHint ?? t('table.search')}
          search={props.search ?? ''}
          onSearch={props.onSearch}
        />
      )}
      {props.filters}
      <Text size="sm" c="dimmed" role="status" className={classes.count}>
        {count === undefined
          ? ''
          : t(props.totalIsExact === false ? 'table.countAtLeast' : 'table.count', {
              count,
              formatted: format.number(count),
            })}
      </Text>
      {props.sortable && (
        <NativeSelect
          size="sm"
          aria-label={t('table.sort')}
          value={sort ?? ''}
          onChange={(event) => onSort(event.currentTarget.value || undefined)}
          data={[
            { value: '', label: t('table.sort') },
            ...columns
              .filter(({ sortable }) => sortable)
              .flatMap(({ id, header }) => [
                { value: id, label: t('table.ascending', { column: header }) },
                { value: `-${id}`, label: t('table.descending', { column: header }) },
              ]),
          ]}
        />
      )}
      <Popover position="bottom-end" shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <Tooltip label={t('table.columns')}>
            <ActionIcon variant="default" size={36} aria-label={t('table.columns')}>
              <IconColumns3 size={17} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Popover.Target>
        <Popover.Dropdown>
          <Suspense fallback={<Loader size="sm" />}>
            <ColumnChoice
              columns={columns}
              wanted={wanted}
              shown={shown}
              onChoose={props.onChoose}
            />
          </Suspense>
        </Popover.Dropdown>
      </Popover>
    </div>
  )
}

interface SearchFieldProps {
  label: string
  hint: string
  search: string
  onSearch: (search: string) => void
}

function SearchField({ label, hint, search, onSearch }: SearchFieldProps) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(search)
  const [known, setKnown] = useState(search)
  const field = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // Set from elsewhere, as by the back button.
  if (search !== known) {
    setKnown(search)
    setTyped(search)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).matches(
        'input, textarea, select, [contenteditable]',
      )
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
      if (document.querySelector('[role="dialog"]')) return
      event.preventDefault()
      field.current?.focus()
    }
    window.addEventListener('keydown', focus)
    return () => window.removeEventListener('keydown', focus)
  }, [])

  const change = (text: string) => {
    setTyped(text)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      setKnown(text.trim())
      onSearch(text.trim())
    }, PATIENCE)
  }
  return (
    <TextInput
      ref={field}
      className={classes.search}
      aria-label={label}
      placeholder={hint}
      maxLength={256}
      value={typed}
      onChange={(event) => change(event.currentTarget.value)}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        typed && (
          <ActionIcon size="sm" aria-label={t('table.clearSearch')} onClick={() => change('')}>
            <IconX size={14} aria-hidden />
          </ActionIcon>
        )
      }
    />
  )
}
