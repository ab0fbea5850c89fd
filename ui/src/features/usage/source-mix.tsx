import { VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFormat } from '@/components/format'
import { SOURCES, type Sums } from '@/components/usage/sums'
import classes from './usage.module.css'

interface SourceMixProps extends Pick<Sums, 'sources'> {
  /** Show the largest part only; the others are in the bar, and there for who hears it. */
  short?: boolean
}

/** How the tokens of some requests are known: as a bar and in words, the largest part first. */
export function SourceMix({ sources, short }: SourceMixProps) {
  const { t } = useTranslation('usage')
  const format = useFormat()
  const known = SOURCES.filter((source) => source !== 'none' && sources[source] > 0)
  const all = known.reduce((sum, source) => sum + sources[source], 0)
  if (all === 0) return <span className={classes.faint}>{t('source.none')}</span>
  const parts = known
    .toSorted((a, b) => sources[b] - sources[a])
    .map((source) => {
      const name = t(`source.${source}`)
      const share = sources[source] / all
      return share === 1 ? name : t('source.part', { percent: format.percent(share), source: name })
    })
  const words = format.list(parts)
  return (
    <span className={classes.mix} title={`${words}\n\n${t('source.hint')}`}>
      <span className={classes.bar} aria-hidden>
        {known.map((source) => (
          <span key={source} data-source={source} style={{ flexGrow: sources[source] }} />
        ))}
      </span>
      {short && parts.length > 1 ? (
        <>
          <span className={classes.words} aria-hidden>
            {parts[0]}
          </span>
          <VisuallyHidden>{words}</VisuallyHidden>
        </>
      ) : (
        <span className={classes.words}>{words}</span>
      )}
    </span>
  )
}
