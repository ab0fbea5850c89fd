import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from './copy-button'
import { useFormat } from './format'
import classes from './code-view.module.css'

/** More makes a browser slow; the rest is shown on demand. */
const AT_FIRST = 100_000 // characters

interface CodeViewProps {
  /** What it is: "Body for Kiro". */
  label: string
  text: string
  /** Instead of the label in its head. */
  caption?: string
}

/** A text for programs, to be read and copied. */
export function CodeView({ label, text, caption }: CodeViewProps) {
  const { t } = useTranslation()
  const format = useFormat()
  const [all, setAll] = useState(false)
  const rest = text.length - AT_FIRST
  return (
    <figure className={classes.code}>
      <figcaption>
        <span>{caption ?? label}</span>
        <CopyButton text={text} label={label} />
      </figcaption>
      <pre tabIndex={0} aria-label={label}>
        {all ? text : text.slice(0, AT_FIRST)}
      </pre>
      {!all && rest > 0 && (
        <Button variant="subtle" size="xs" fullWidth radius={0} onClick={() => setAll(true)}>
          {t('code.showRest', { formatted: format.number(rest) })}
        </Button>
      )}
    </figure>
  )
}
