import { Skeleton, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'

interface LoadingProps {
  /** What is loaded, in the plural: "API keys". */
  label?: string
  /** How many lines to stand in for. */
  lines?: number
  height?: number
}

/** Stands in for what is on its way, at about its size, so that nothing jumps. */
export function Loading({ label, lines = 6, height = 20 }: LoadingProps) {
  const { t } = useTranslation()
  return (
    <div role="status" aria-busy="true">
      <VisuallyHidden>
        {label ? t('state.loadingWhat', { what: label }) : t('state.loading')}
      </VisuallyHidden>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton
          key={line}
          height={height}
          mt={line ? 12 : 0}
          width={`${100 - ((line * 17) % 40)}%`}
        />
      ))}
    </div>
  )
}
