import { ActionIcon, Button, NativeSelect, Popover, Select, Stack, TextInput } from '@mantine/core'
import { IconFilter, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery } from '@/api/accounts'
import { everyKeyQuery } from '@/api/keys'
import { useFormat } from '@/components/format'
import { useErrorWord } from './error-word'
import { usedModelsQuery } from './requests-api'
import {
  activeFilters,
  fieldOfTime,
  timeOfField,
  withoutFilter,
  type FilterName,
  type RequestSearch,
} from './search'
import { RELATIVE_TIMES, type RelativeTime } from './times'
import classes from './requests.module.css'

interface FiltersProps {
  search: RequestSearch
  onChange: (part: Partial<RequestSearch>) => void
}

const STATUSES = ['failed', 'ok', '4xx', '5xx'] as const
const CODES = ['400', '401', '402', '403', '404', '413', '429', '500', '502', '503', '504', '529']

/** Errors that operators look for; any other comes by a press on one. */
const ERRORS = [
  'QuotaSpent',
  'RateLimited',
  'RateLimitExceeded',
  'CreditLimitExceeded',
  'AccountSignInFailed',
  'AccountSuspended',
  'AccountBusy',
  'NoAccountAvailable',
  'ModelOverloaded',
  'InvalidRequest',
  'PromptTooLong',
  'UpstreamPromptTooLong',
  'UpstreamRejected',
  'UpstreamUnreachable',
  'UpstreamTimeout',
  'FirstEventTimeout',
  'UpstreamInternal',
  'NotAllowed',
  'ClientDisconnected',
  'InternalError',
]

/** In the toolbar: the filters behind a button, and those that hold as chips. */
export function Filters({ search, onChange }: FiltersProps) {
  const { t } = useTranslation('requests')
  const active = activeFilters(search)
  return (
    <>
      <Popover position="bottom-start" shadow="md" trapFocus returnFocus width={320}>
        <Popover.Target>
          <Button
            variant="default"
            leftSection={<IconFilter size={16} aria-hidden />}
            fw={500}
            px="sm"
          >
            {t('filter.title')}
            {active.length > 0 && ` (${active.length})`}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <FilterFields search={search} onChange={onChange} />
        </Popover.Dropdown>
      </Popover>
      {active.length > 0 && (
        <div className={classes.chips}>
          {active.map((name) => (
            <Chip key={name} name={name} search={search} onChange={onChange} />
          ))}
        </div>
      )}
    </>
  )
}

function Chip({ name, search, onChange }: FiltersProps & { name: FilterName }) {
  const { t } = useTranslation('requests')
  const label = useFilterLabel(search)(name)
  return (
    <span className={classes.chip}>
      <span>{label}</span>
      <ActionIcon
        size="xs"
        radius="xl"
        aria-label={t('filter.remove', { name: label })}
        onClick={() => onChange(withoutFilter(name))}
      >
        <IconX size={12} aria-hidden />
      </ActionIcon>
    </span>
  )
}

function useFilterLabel(search: RequestSearch): (name: FilterName) => string {
  const { t } = useTranslation('requests')
  const format = useFormat()
  const word = useErrorWord()
  const keys = useQuery({ ...everyKeyQuery, enabled: !!search.key })
  const accounts = useQuery({ ...everyAccountQuery, enabled: !!search.account })
  const time = (text: string | undefined) => (text ? format.dateTime(text) : '…')
  return (name) => {
    switch (name) {
      case 'time':
        if (search.range) return t(`filter.${search.range}`)
        return `${time(search.from)} – ${time(search.to)}`
      case 'key': {
        const key = keys.data?.find(({ id }) => id === search.key)
        return `${t('column.key')}: ${key?.name ?? search.key}`
      }
      case 'account': {
        const account = accounts.data?.find(({ id }) => id === search.account)
        return `${t('column.account')}: ${account?.name ?? search.account}`
      }
      case 'model':
        return `${t('column.model')}: ${search.model}`
      case 'status': {
        const status = search.status ?? ''
        const known = STATUSES.find((one) => one === status)
        return known ? t(`filter.${known}`) : t('filter.status', { status })
      }
      case 'error':
        return `${t('filter.error')}: ${word(search.error ?? '').title}`
      case 'stream':
        return t(search.stream ? 'filter.streamed' : 'filter.whole')
    }
  }
}

function FilterFields({ search, onChange }: FiltersProps) {
  const { t } = useTranslation('requests')
  const word = useErrorWord()
  const keys = useQuery(everyKeyQuery)
  const accounts = useQuery(everyAccountQuery)
  const models = useQuery(usedModelsQuery)
  const custom = !search.range && (search.from !== undefined || search.to !== undefined)
  const named = (rows: { id: string; name: string }[] | undefined, chosen: string | undefined) =>
    withChosen(
      (rows ?? []).map(({ id, name }) => ({ value: id, label: name })),
      chosen,
    )
  const plain = (values: string[], chosen: string | undefined) =>
    withChosen(
      values.map((value) => ({ value, label: value })),
      chosen,
    )
  const common = {
    size: 'sm',
    searchable: true,
    clearable: true,
    placeholder: t('filter.any'),
    nothingFoundMessage: t('filter.nothingFound'),
    comboboxProps: { withinPortal: false },
  } as const
  const chooseTime = (value: string) => {
    const relative = RELATIVE_TIMES.find((one) => one === value)
    const today = new Date()
    today.setHours(0, 0, 0, 0)
    const from = value === 'custom' ? today.toISOString() : undefined
    onChange({ range: relative, from, to: undefined })
  }
  return (
    <Stack gap="sm">
      <NativeSelect
        label={t('filter.time')}
        value={custom ? 'custom' : (search.range ?? '')}
        onChange={(event) => chooseTime(event.currentTarget.value)}
        data={[
          { value: '', label: t('filter.anyTime') },
          ...RELATIVE_TIMES.map((value: RelativeTime) => ({ value, label: t(`filter.${value}`) })),
          { value: 'custom', label: t('filter.custom') },
        ]}
      />
      {custom && (
        <>
          <TimeField
            label={t('filter.from')}
            time={search.from}
            onChange={(from) => onChange({ from })}
          />
          <TimeField label={t('filter.to')} time={search.to} onChange={(to) => onChange({ to })} />
        </>
      )}
      <NativeSelect
        label={t('filter.result')}
        value={search.status ?? ''}
        onChange={(event) => onChange({ status: event.currentTarget.value || undefined })}
        data={[
          { value: '', label: t('filter.anyResult') },
          ...STATUSES.map((value) => ({ value, label: t(`filter.${value}`) })),
          ...CODES.concat(
            search.status && !CODES.includes(search.status) && /^\d{3}$/.test(search.status)
              ? search.status
              : [],
          ).map((status) => ({ value: status, label: t('filter.status', { status }) })),
        ]}
      />
      <Select
        {...common}
        label={t('filter.error')}
        data={withChosen(
          ERRORS.map((value) => ({ value, label: word(value).title })),
          search.error,
        )}
        value={search.error ?? null}
        onChange={(error) => onChange({ error: error ?? undefined })}
      />
      <Select
        {...common}
        label={t('column.key')}
        data={named(keys.data, search.key)}
        value={search.key ?? null}
        onChange={(key) => onChange({ key: key ?? undefined })}
      />
      <Select
        {...common}
        label={t('column.account')}
        data={named(accounts.data, search.account)}
        value={search.account ?? null}
        onChange={(account) => onChange({ account: account ?? undefined })}
      />
      <Select
        {...common}
        label={t('column.model')}
        data={plain(models.data ?? [], search.model)}
        value={search.model ?? null}
        onChange={(model) => onChange({ model: model ?? undefined })}
      />
      <NativeSelect
        label={t('filter.stream')}
        value={search.stream === undefined ? '' : String(search.stream)}
        onChange={({ currentTarget: { value } }) =>
          onChange({ stream: value === '' ? undefined : value === 'true' })
        }
        data={[
          { value: '', label: t('filter.any') },
          { value: 'true', label: t('filter.streamed') },
          { value: 'false', label: t('filter.whole') },
        ]}
      />
    </Stack>
  )
}

function TimeField(props: {
  label: string
  time: string | undefined
  onChange: (time: string | undefined) => void
}) {
  return (
    <TextInput
      type="datetime-local"
      label={props.label}
      value={fieldOfTime(props.time)}
      onChange={(event) => props.onChange(timeOfField(event.currentTarget.value))}
    />
  )
}

interface Option {
  value: string
  label: string
}

/** What is chosen can be seen, also when it is in no list any more. */
function withChosen(options: Option[], chosen: string | undefined): Option[] {
  if (!chosen || options.some(({ value }) => value === chosen)) return options
  return [...options, { value: chosen, label: chosen }]
}
