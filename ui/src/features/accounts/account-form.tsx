import {
  Autocomplete,
  NumberInput,
  PasswordInput,
  Select,
  SimpleGrid,
  TextInput,
} from '@mantine/core'
import { useForm, type UseFormReturnType } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { ApiError } from '@/api/errors'
import type { Account } from '@/api/types'
import { FormDialog } from '@/components/dialog/form-dialog'
import { problemsOf, valuesOf, type AccountFormValues } from './account-form-values'
import { profilesQuery } from './accounts-api'
import { canBeAsked } from './health'

/** Regions in which Kiro or IAM Identity Center is commonly used; others may be typed. */
const REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
]

interface AccountFormProps {
  /** The account to change; null for a new one. */
  account: Account | null
  onSubmit: (values: AccountFormValues) => Promise<unknown>
  onClose: () => void
}

/** Adds or changes an account. Drawn only while it is open, so that each time begins afresh. */
export function AccountForm({ account, onSubmit, onClose }: AccountFormProps) {
  const { t } = useTranslation(['accounts', 'common'])
  const form = useForm<AccountFormValues>({
    initialValues: valuesOf(account),
    validate: (values) =>
      problemsOf(values, {
        required: t('common:form.required'),
        name: t('form.name'),
        region: t('form.region'),
        proxy: t('form.proxy'),
        wholeNumber: t('form.wholeNumber'),
        noSpaces: t('form.noSpaces'),
      }),
  })
  const renamed = account !== null && form.values.name.trim() !== account.name
  return (
    <FormDialog
      opened
      title={account ? t('form.change', { name: account.name }) : t('form.create')}
      form={form}
      submitLabel={account ? t('common:action.save') : t('common:action.add')}
      onSubmit={onSubmit}
      onClose={onClose}
      locate={fieldOfRefusal}
    >
      <TextInput
        label={t('field.name')}
        description={renamed ? t('field.nameKept') : t('field.nameHint')}
        withAsterisk
        data-autofocus
        maxLength={64}
        autoComplete="off"
        {...form.getInputProps('name')}
      />
      {account && canBeAsked(account) && account.auth_method !== 'api_key' && (
        <ProfileField account={account} form={form} />
      )}
      <Regions form={form} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput
          label={t('field.proxy')}
          description={account?.proxy ? t('field.proxyKept') : t('field.proxyHint')}
          placeholder="http://proxy.example.com:3128"
          maxLength={2048}
          inputMode="url"
          autoComplete="off"
          {...form.getInputProps('proxy')}
        />
        <NumberInput
          label={t('field.cap')}
          description={t('field.capHint')}
          placeholder={t('field.noLimit')}
          allowDecimal={false}
          allowNegative={false}
          thousandSeparator=" "
          hideControls
          {...form.getInputProps('max_concurrent_requests')}
        />
      </SimpleGrid>
      <PasswordInput
        label={t('field.apiKey')}
        description={account ? t('field.apiKeyReplace') : t('field.apiKeyHint')}
        placeholder={t('common:form.optional')}
        maxLength={4096}
        autoComplete="off"
        // The field does not say so by itself, as the others do.
        aria-invalid={!!form.errors['api_key']}
        {...form.getInputProps('api_key')}
      />
    </FormDialog>
  )
}

/** The gateway's words for what is not about one member by its name. */
function fieldOfRefusal({ message }: ApiError): keyof AccountFormValues | null {
  if (/account name|already is an account/.test(message)) return 'name'
  return null
}

interface PartProps {
  form: UseFormReturnType<AccountFormValues>
}

function Regions({ form }: PartProps) {
  const { t } = useTranslation('accounts')
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <Autocomplete
        label={t('field.region')}
        description={t('field.regionHint')}
        withAsterisk
        maxLength={32}
        data={REGIONS}
        {...form.getInputProps('region')}
      />
      <Autocomplete
        label={t('field.apiRegion')}
        description={t('field.apiRegionHint')}
        placeholder={t('field.apiRegionPlaceholder')}
        maxLength={32}
        data={REGIONS}
        {...form.getInputProps('api_region')}
      />
    </SimpleGrid>
  )
}

function ProfileField({ account, form }: PartProps & { account: Account }) {
  const { t } = useTranslation('accounts')
  const profiles = useQuery(profilesQuery(account.id))
  const known = (profiles.data ?? []).map(({ arn, name, region }) => ({
    value: arn,
    label: [name || arn, region].filter(Boolean).join(' · '),
  }))
  const { profile_arn: chosen } = form.values
  const missing = chosen !== '' && !known.some(({ value }) => value === chosen)
  return (
    <Select
      label={t('field.profile')}
      description={
        profiles.isError
          ? t('field.profilesFailed', { message: profiles.error.message })
          : t('field.profileHint')
      }
      allowDeselect={false}
      data={[
        { value: '', label: t('field.profileAutomatic') },
        ...known,
        ...(missing ? [{ value: chosen, label: chosen }] : []),
      ]}
      {...form.getInputProps('profile_arn')}
    />
  )
}
