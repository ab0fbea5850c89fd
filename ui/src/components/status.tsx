import classes from './status.module.css'

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'off'

interface StatusProps {
  tone: Tone
  /** Said in words, because not everybody sees colours. */
  label: string
}

/** How something stands: a mark whose form differs too, and a word. */
export function Status({ tone, label }: StatusProps) {
  return (
    <span className={classes.status} data-tone={tone}>
      <span className={classes.mark} aria-hidden />
      {label}
    </span>
  )
}
