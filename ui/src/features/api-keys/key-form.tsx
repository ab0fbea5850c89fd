import {
  Collapse,
  Fieldset,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { IconChevronRight } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery, modelsQuery } from '@/api/accounts'
import type { ApiError } from '@/api/errors'
import type { ApiKey, NewApiKey } from '@/api/types'
import { FormDialog } from '@/components/dialog/form-dialog'
import { localTime } from '@/components/local-time'
import { defaultOf, keyOf, problemsOf, valuesOf, type KeyFormValues } from './key-form-values'
import { hasLimits } from './standing'
import classes from './key-form.module.css'

const DAY = 24 * 3_600_000 // milliseconds
const ENDS = [30, 90, 365] // days

interface KeyFormProps {
  /** The key to change; null for a new one. */
  apiKey: ApiKey | null
  /** Begin with the limits in sight. */
  showLimits?: boolean
  onSubmit: (key: NewApiKey) => Promise<unknown>
  onClose: () => void
}

/** Makes or changes a key. Drawn only while it is open, so that each time begins afresh. */
export function KeyForm({ apiKey, showLimits, onSubmit, onClose }: KeyFormProps) {
  const { t } = useTranslation(['keys', 'common'])
  const form = useForm<KeyFormValues>({
    initialValues: valuesOf(apiKey),
    validate: (values) =>
      problemsOf(
        values,
        {
          required: t('common:form.required'),
          wholeNumber: t('common:form.wholeNumber', { min: 1 }),
          positive: t('common:form.positive'),
          noAccount: t('form.noAccount'),
          past: t('form.past'),
        },
        Date.now(),
      ),
  })
  return (
    <FormDialog
      opened
      title={apiKey ? t('form.change', { name: apiKey.name }) : t('form.create')}
      form={form}
      submitLabel={apiKey ? t('common:action.save') : t('common:action.create')}
      onSubmit={(values) => onSubmit(keyOf(values))}
      onClose={onClose}
      locate={fieldOfRefusal}
    >
      <TextInput
        label={t('field.name')}
        description={t('field.nameHint')}
        withAsterisk
        data-autofocus
        maxLength={200}
        {...form.getInputProps('name')}
      />
      <Accounts form={form} />
      <Limits form={form} opened={showLimits || (apiKey !== null && hasLimits(apiKey))} />
      <More form={form} opened={apiKey !== null && (apiKey.notes !== '' || !!apiKey.expires_at)} />
    </FormDialog>
  )
}

/** The gateway's words for what is not about one member by its name. */
function fieldOfRefusal({ message }: ApiError): keyof KeyFormValues | null {
  if (message.includes('account')) return 'kiro_accounts'
  if (message.includes('expired')) return 'expires_at'
  return null
}

interface PartProps {
  form: UseFormReturnType<KeyFormValues>
  opened?: boolean
}

function Accounts({ form }: PartProps) {
  const { t } = useTranslation(['keys', 'common'])
  const accounts = useQuery(everyAccountQuery)
  const chosen = form.values.kiro_accounts
  const names = [...new Set([...(accounts.data ?? []).map(({ name }) => name), ...chosen])]
  return (
    <>
      <MultiSelect
        label={t('field.accounts')}
        description={t('field.accountsHint')}
        placeholder={chosen.length ? undefined : t('field.accountsPlaceholder')}
        withAsterisk
        searchable
        hidePickedOptions
        data={names}
        nothingFoundMessage={accounts.isError ? accounts.error.message : t('field.noAccounts')}
        {...form.getInputProps('kiro_accounts')}
      />
      {chosen.length > 1 && (
        <>
          <Select
            label={t('field.default')}
            description={t('field.defaultHint')}
            data={chosen}
            allowDeselect={false}
            {...form.getInputProps('kiro_default_account')}
            value={defaultOf(form.values)}
          />
          <Switch
            label={t('field.failover')}
            description={t('field.failoverHint')}
            {...form.getInputProps('failover', { type: 'checkbox' })}
          />
        </>
      )}
    </>
  )
}

function Limits({ form, opened }: PartProps) {
  const { t } = useTranslation('keys')
  const models = useQuery(modelsQuery(defaultOf(form.values)))
  const number = (name: 'requests_per_minute' | 'max_concurrent_requests' | 'tokens_per_day') => (
    <NumberInput
      label={t(`limit.${name}`)}
      placeholder={t('field.noLimit')}
      allowDecimal={false}
      allowNegative={false}
      thousandSeparator=" "
      hideControls
      {...form.getInputProps(name)}
    />
  )
  return (
    <Section
      title={t('form.limits')}
      hint={t('form.limitsHint')}
      opened={opened}
      invalid={LIMIT_FIELDS.some((name) => name in form.errors)}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {number('requests_per_minute')}
        {number('max_concurrent_requests')}
        {number('tokens_per_day')}
        <NumberInput
          label={t('limit.credits_per_month')}
          placeholder={t('field.noLimit')}
          allowNegative={false}
          decimalScale={4}
          thousandSeparator=" "
          hideControls
          {...form.getInputProps('credits_per_month')}
        />
      </SimpleGrid>
      <TagsInput
        label={t('field.models')}
        description={t('field.modelsHint')}
        placeholder={form.values.allowed_models.length ? undefined : t('field.allModels')}
        data={(models.data ?? []).map(({ model_id }) => model_id)}
        clearable
        {...form.getInputProps('allowed_models')}
      />
    </Section>
  )
}

const LIMIT_FIELDS = [
  'requests_per_minute',
  'max_concurrent_requests',
  'tokens_per_day',
  'credits_per_month',
  'allowed_models',
]

function More({ form, opened }: PartProps) {
  const { t } = useTranslation('keys')
  const end = form.getInputProps('expires_at')
  return (
    <Section
      title={t('form.more')}
      opened={opened}
      invalid={!!form.errors['expires_at'] || !!form.errors['notes']}
    >
      <div>
        <TextInput type="datetime-local" label={t('field.expires')} {...end} />
        <Group gap="xs" mt={6}>
          {ENDS.map((days) => (
            <UnstyledButton
              key={days}
              className={classes.chip}
              onClick={() =>
                form.setFieldValue('expires_at', localTime(new Date(Date.now() + days * DAY)))
              }
            >
              {t('field.inDays', { count: days })}
            </UnstyledButton>
          ))}
          <UnstyledButton
            className={classes.chip}
            onClick={() => form.setFieldValue('expires_at', '')}
          >
            {t('field.never')}
          </UnstyledButton>
        </Group>
      </div>
      <Switch
        label={t('field.suppressReasoning')}
        description={t('field.suppressReasoningHint')}
        {...form.getInputProps('suppress_reasoning', { type: 'checkbox' })}
      />
      <Textarea
        label={t('field.notes')}
        autosize
        minRows={2}
        maxRows={6}
        maxLength={4000}
        {...form.getInputProps('notes')}
      />
    </Section>
  )
}

interface SectionProps {
  title: string
  hint?: string
  opened?: boolean
  /** Something in it is wrong, so that it has to be seen. */
  invalid: boolean
  children: React.ReactNode
}

function Section({ title, hint, opened = false, invalid, children }: SectionProps) {
  const [wanted, setWanted] = useState(opened)
  const shown = wanted || invalid
  return (
    <div className={classes.section}>
      <UnstyledButton
        className={classes.head}
        aria-expanded={shown}
        onClick={() => setWanted(!shown)}
      >
        <IconChevronRight size={16} aria-hidden />
        <span>{title}</span>
        {hint && (
          <Text span size="xs" c="dimmed">
            {hint}
          </Text>
        )}
      </UnstyledButton>
      <Collapse expanded={shown}>
        <Fieldset variant="unstyled" className={classes.fields}>
          {children}
        </Fieldset>
      </Collapse>
    </div>
  )
}
