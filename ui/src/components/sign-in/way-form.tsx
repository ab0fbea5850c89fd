import {
  Alert,
  Autocomplete,
  Button,
  Group,
  PasswordInput,
  Text,
  TextInput,
  type ComboboxItem,
  type OptionsFilter,
} from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { IconAlertCircle, IconArrowLeft, IconChevronRight } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { Login } from '@/api/types'
import { ImportPlaces } from './import-places'
import { reserveTab } from './new-tab'
import { recallOrganisation } from './recalled'
import { placesQuery, useStart } from './sign-in-api'
import { placeOfRefusal } from './sign-in-problems'
import classes from './sign-in.module.css'
import { REGIONS, type SignInValues, type Way } from './ways'

const SUBMIT = {
  portal: 'openPage',
  external: 'openPage',
  builder: 'getCode',
  organisation: 'getCode',
  import: 'copy',
  key: 'save',
} as const

/** Where there is nothing to fill in, the button is what is meant to be pressed. */
const MEANT: readonly Way[] = ['portal', 'external', 'builder']

interface WayFormProps {
  account: { id: string; name: string }
  way: Way
  form: UseFormReturnType<SignInValues>
  /** Null: it is signed in already. */
  onBegun: (login: Login | null) => void
  onBack: () => void
}

/** What has to be known before a sign-in can begin. What was typed is the caller's to keep. */
export function WayForm({ account, way, form, onBegun, onBack }: WayFormProps) {
  const { t } = useTranslation(['sign-in', 'common'])
  const client = useQueryClient()
  const start = useStart(account.id)
  const [problem, setProblem] = useState<string | null>(null)
  const places = useQuery({ ...placesQuery, enabled: way === 'import' })
  const nothing = way === 'import' && !places.data?.some(({ exists }) => exists)
  const opensPage = way === 'portal' || way === 'external'

  const send = async (values: SignInValues) => {
    setProblem(null)
    // Only within the click may a tab be opened; where it leads to is known after the answer.
    const tab = opensPage ? reserveTab() : null
    try {
      const login = await start.mutateAsync({ way, values })
      if (way === 'organisation') recallOrganisation(values)
      tab?.lead(login?.auth_url)
      onBegun(login)
    } catch (error) {
      tab?.lead(undefined)
      complain(error)
    }
  }
  const complain = (error: unknown) => {
    const place = placeOfRefusal(error, way)
    if (place && place.field in form.getValues()) {
      const said = 'refusal' in place ? t(`problem.${place.refusal}`) : place.message
      form.setFieldError(place.field, said)
      requestAnimationFrame(() => form.getInputNode(place.field)?.focus())
      return
    }
    if (error instanceof Unreachable) setProblem(t('common:state.unreachable'))
    else setProblem(error instanceof Error ? error.message : String(error))
    if (way === 'import') void client.invalidateQueries(placesQuery)
  }
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.stopPropagation()
    form.onSubmit(
      (values) => void send(values),
      (errors) => form.getInputNode(Object.keys(errors)[0] ?? '')?.focus(),
    )(event)
  }

  return (
    <form onSubmit={submit} noValidate className={classes.stack}>
      <div>
        <Text fw={600}>{t(`way.${way}.title`)}</Text>
        <Text size="sm" c="dimmed" mt={4} maw="62ch">
          {t(`form.${way}`)}
        </Text>
      </div>
      {opensPage && <Advanced form={form} />}
      {way === 'organisation' && <OrganisationFields form={form} />}
      {way === 'import' && <ImportPlaces {...form.getInputProps('db_path')} />}
      {way === 'key' && (
        <PasswordInput
          label={t('form.apiKey')}
          description={t('form.apiKeyHint')}
          autoComplete="off"
          required
          key={form.key('api_key')}
          {...form.getInputProps('api_key')}
        />
      )}
      {problem && (
        <Alert
          color="red"
          role="alert"
          icon={<IconAlertCircle size={18} aria-hidden />}
          title={t(
            way === 'import'
              ? 'problem.notImported'
              : way === 'key'
                ? 'problem.notStored'
                : 'problem.notStarted',
          )}
        >
          {problem}
        </Alert>
      )}
      <Group justify="space-between" gap="xs">
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
          onClick={onBack}
          disabled={start.isPending}
        >
          {t('form.otherWay')}
        </Button>
        {!nothing && (
          <Button
            type="submit"
            loading={start.isPending}
            data-autofocus={MEANT.includes(way) || undefined}
          >
            {t(`form.${SUBMIT[way]}`)}
          </Button>
        )}
      </Group>
    </form>
  )
}

function OrganisationFields({ form }: { form: WayFormProps['form'] }) {
  const { t } = useTranslation('sign-in')
  return (
    <>
      <TextInput
        type="url"
        label={t('form.startUrl')}
        description={t('form.startUrlHint')}
        required
        key={form.key('start_url')}
        {...form.getInputProps('start_url')}
      />
      <Autocomplete
        label={t('form.region')}
        description={t('form.regionHint')}
        data={REGIONS}
        filter={unlessWhole}
        maxDropdownHeight={220}
        required
        key={form.key('idc_region')}
        {...form.getInputProps('idc_region')}
      />
    </>
  )
}

/** What is typed whole needs no list, which would only cover what comes below it. */
const unlessWhole: OptionsFilter = ({ options, search, limit }) => {
  const typed = search.trim().toLowerCase()
  const labels = (options as ComboboxItem[]).filter(({ label }) => label.includes(typed))
  return labels.some(({ label }) => label === typed) ? [] : labels.slice(0, limit)
}

function Advanced({ form }: { form: WayFormProps['form'] }) {
  const { t } = useTranslation('sign-in')
  const [wanted, setWanted] = useState(false)
  // What was typed is never out of sight, nor is what is wrong with it.
  const open = wanted || form.getValues().port !== ''
  return (
    <div>
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        aria-expanded={open}
        leftSection={
          <IconChevronRight size={14} aria-hidden className={open ? classes.opened : undefined} />
        }
        onClick={() => setWanted(!open)}
      >
        {t('form.advanced')}
      </Button>
      {open && (
        <TextInput
          mt="xs"
          maw={340}
          inputMode="numeric"
          label={t('form.port')}
          description={t('form.portHint')}
          key={form.key('port')}
          {...form.getInputProps('port')}
        />
      )}
    </div>
  )
}
