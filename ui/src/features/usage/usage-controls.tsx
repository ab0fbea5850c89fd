import { Button, MultiSelect, TextInput } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery } from '@/api/accounts'
import { everyKeyQuery } from '@/api/keys'
import type { UsageSums } from '@/api/types'
import { localTime } from '@/components/local-time'
import { Panel } from '@/components/panel'
import type { Range } from '@/components/search'
import { RangeChoice } from '@/components/usage/range-choice'
import { usePhone } from '@/components/use-phone'
import { windowOf } from '@/components/usage/time-window'
import { usageQuery } from '@/components/usage/usage-query'
import {
  DEFAULT_RANGE,
  groupingOf,
  GROUPS,
  isStep,
  whenOf,
  wordsOf,
  type UsageSearch,
} from './usage-search'
import classes from './usage.module.css'

interface ControlsProps {
  search: UsageSearch
  /** What is shown just now: it knows the names of keys and accounts that are gone. */
  rows: readonly UsageSums[]
  onChange: (part: Partial<UsageSearch>) => void
}

/** Of when, told apart by what, and of whom. */
export function UsageControls({ search, rows, onChange }: ControlsProps) {
  const { t } = useTranslation('usage')
  const phone = usePhone()
  const [opened, setOpened] = useState(false)
  const [custom, setCustom] = useState(!!search.from)
  // A link or the back button may lead to another window.
  const [known, setKnown] = useState(search.from)
  if (known !== search.from) {
    setKnown(search.from)
    setCustom(!!search.from)
  }
  const choose = (value: Range | 'custom') => {
    setCustom(value === 'custom')
    if (value !== 'custom') onChange({ range: value, from: undefined, to: undefined })
  }
  const grouping = groupingOf(search.group)
  const regroup = (chosen: string[]) => {
    // A second period takes the place of the first.
    const period = chosen
      .filter((one) => one === 'hour' || one === 'day' || one === 'minute')
      .at(-1)
    const kept = chosen.filter((one) => one === period || !isStep(one as 'day'))
    onChange({ group: kept.join(',') || undefined, sort: undefined })
  }

  const filtered = [search.key, search.account, search.model].filter(Boolean).length

  return (
    <Panel>
      <div className={classes.controls}>
        <RangeChoice<'custom'>
          value={custom ? 'custom' : (search.range ?? DEFAULT_RANGE)}
          onChange={choose}
          other={{ value: 'custom', label: t('custom') }}
        />
        {phone && (
          <Button
            variant="default"
            aria-expanded={opened}
            leftSection={<IconFilter size={16} aria-hidden />}
            onClick={() => setOpened(!opened)}
          >
            {filtered ? t('filtersSet', { count: filtered }) : t('filters')}
          </Button>
        )}
        {filtered > 0 && (
          <Button
            variant="subtle"
            onClick={() => onChange({ key: undefined, account: undefined, model: undefined })}
          >
            {t('clear')}
          </Button>
        )}
      </div>
      {custom && (
        <CustomWindow key={`${search.from} ${search.to}`} search={search} onChange={onChange} />
      )}
      {(opened || !phone) && (
        <div className={classes.picks}>
          <MultiSelect
            size="sm"
            label={t('group')}
            searchable
            data={GROUPS.map((value) => ({ value, label: t(`dimension.${value}`) }))}
            value={grouping}
            onChange={regroup}
            maxValues={4}
          />
          <Filters search={search} rows={rows} onChange={onChange} />
        </div>
      )}
    </Panel>
  )
}

function Filters({ search, rows, onChange }: ControlsProps) {
  const { t } = useTranslation('usage')
  const keys = useQuery(everyKeyQuery)
  const accounts = useQuery(everyAccountQuery)
  const models = useQuery(usageQuery({ when: { range: '90d' }, by: ['model'], overTime: false }))
  const chosen = {
    key: wordsOf(search.key),
    account: wordsOf(search.account),
    model: wordsOf(search.model),
  }
  const data = {
    key: options(
      chosen.key,
      rows.map((row) => [row.key_id, row.key_name]),
      (keys.data ?? []).map(({ id, name }) => [id, name]),
    ),
    account: options(
      chosen.account,
      rows.map((row) => [row.account_id, row.account]),
      (accounts.data ?? []).map(({ id, name }) => [id, name]),
    ),
    model: options(
      chosen.model,
      [...rows, ...(models.data?.rows ?? [])].map((row) => [row.model, row.model]),
    ),
  }
  const any = { key: t('anyKey'), account: t('anyAccount'), model: t('anyModel') }
  return (
    <>
      {(['key', 'account', 'model'] as const).map((one) => (
        <MultiSelect
          key={one}
          size="sm"
          label={t(`dimension.${one}`)}
          placeholder={chosen[one].length ? undefined : any[one]}
          searchable
          clearable
          hidePickedOptions
          limit={200}
          data={data[one]}
          value={chosen[one]}
          onChange={(ids) => onChange({ [one]: ids.join(',') || undefined })}
        />
      ))}
    </>
  )
}

type Named = [id: string | null | undefined, name: string | null | undefined]

function options(chosen: string[], ...lists: Named[][]): { value: string; label: string }[] {
  const names = new Map<string, string>()
  for (const [id, name] of lists.flat()) {
    // What separates ids in the address cannot be in one.
    if (id && !id.includes(',')) names.set(id, name ?? id)
  }
  for (const id of chosen) if (!names.has(id)) names.set(id, id)
  return [...names]
    .map(([value, label]) => ({ value, label }))
    .sort((a, b) => a.label.localeCompare(b.label))
}

/** From one time to another, in the time of this computer. */
function CustomWindow({ search, onChange }: Omit<ControlsProps, 'rows'>) {
  const { t } = useTranslation('usage')
  const [from, setFrom] = useState(() =>
    localTime(new Date(windowOf(whenOf(search), Date.now()).from)),
  )
  const [to, setTo] = useState(() => (search.to ? localTime(new Date(search.to)) : ''))
  const [problems, setProblems] = useState<{ from?: string; to?: string }>({})
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const begin = Date.parse(from)
    const end = Date.parse(to)
    const found = {
      ...(Number.isNaN(begin) ? { from: t('badTime') } : {}),
      ...(to !== '' && !(end > begin) ? { to: t('badEnd') } : {}),
    }
    setProblems(found)
    if (found.from || found.to) return
    onChange({
      range: undefined,
      from: new Date(begin).toISOString(),
      to: to === '' ? undefined : new Date(end).toISOString(),
    })
  }
  return (
    <form className={classes.window} onSubmit={submit} noValidate>
      <TextInput
        type="datetime-local"
        label={t('from')}
        value={from}
        error={problems.from}
        onChange={(event) => setFrom(event.currentTarget.value)}
      />
      <TextInput
        type="datetime-local"
        label={t('to')}
        description={t('toHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        value={to}
        error={problems.to}
        onChange={(event) => setTo(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" mt={25}>
        {t('show')}
      </Button>
    </form>
  )
}
