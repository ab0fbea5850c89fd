import { Skeleton } from '@mantine/core'
import { IconChartLine } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Message } from '../message'
import type { PlotProps } from './plot'

// The drawing library comes with the first chart, not with the first page.
const Plot = lazy(() => import('./plot').then(({ Plot }) => ({ default: Plot })))

export type { PlotProps, Series } from './plot'

export interface ChartProps extends PlotProps {
  /** Still being fetched for the first time. */
  loading?: boolean
}

/** Values over time, as lines or bars. What it shows is also there as a table, for who cannot see it. */
export function Chart({ loading, ...plot }: ChartProps) {
  const { t } = useTranslation()
  const height = plot.height ?? 220
  const space = <Skeleton height={height} />
  if (loading) return space
  if (plot.times.length === 0) {
    return (
      <Message icon={IconChartLine} title={t('chart.noData')}>
        {t('chart.noDataHint')}
      </Message>
    )
  }
  return (
    <Suspense fallback={space}>
      <Plot {...plot} />
    </Suspense>
  )
}
