import { NativeSelect, SegmentedControl } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { RANGES, type Range } from '../search'
import { usePhone } from '../use-phone'

interface RangeChoiceProps<Value extends string> {
  value: Value
  onChange: (value: Value) => void
  /** A further choice, behind the ranges. */
  other?: { value: Value; label: string }
}

/** How far back to look. */
export function RangeChoice<Other extends string = never>({
  value,
  onChange,
  other,
}: RangeChoiceProps<Range | Other>) {
  const { t } = useTranslation()
  const data = [
    ...RANGES.map((range) => ({ value: range, label: t(`range.${range}`) })),
    ...(other ? [other] : []),
  ]
  return (
    <Choice
      label={t('range.label')}
      data={data}
      value={value}
      onChange={(chosen) => onChange(chosen)}
    />
  )
}

interface ChoiceProps<Value extends string> {
  label: string
  data: { value: Value; label: string }[]
  value: Value
  onChange: (value: Value) => void
}

/** One of a few, side by side; a list where there is no room for that. */
export function Choice<Value extends string>({ label, data, value, onChange }: ChoiceProps<Value>) {
  const phone = usePhone()
  if (phone) {
    return (
      <NativeSelect
        size="sm"
        aria-label={label}
        data={data}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Value)}
      />
    )
  }
  return (
    <SegmentedControl size="xs" aria-label={label} data={data} value={value} onChange={onChange} />
  )
}
