import { Checkbox, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'

interface ColumnChoiceProps {
  columns: readonly { id: string; header: string }[]
  wanted: string[]
  /** Those of them that there is room for. */
  shown: string[]
  onChoose: (chosen: string[]) => void
}

export default function ColumnChoice({ columns, wanted, shown, onChoose }: ColumnChoiceProps) {
  const { t } = useTranslation()
  return (
    <Stack gap="xs">
      {columns.slice(1).map(({ id, header }) => (
        <Checkbox
          key={id}
          size="sm"
          label={header}
          checked={wanted.includes(id)}
          description={
            wanted.includes(id) && !shown.includes(id) ? t('table.columnHidden') : undefined
          }
          onChange={(event) =>
            onChoose(
              event.currentTarget.checked
                ? [...wanted, id]
                : wanted.filter((other) => other !== id),
            )
          }
        />
      ))}
    </Stack>
  )
}
