import { Title } from '@mantine/core'
import { useId, type ReactNode } from 'react'
import classes from './panel.module.css'

interface PanelProps {
  title?: string
  /** At the right of the title: a choice of ranges, a button. */
  aside?: ReactNode
  /** Content up to the edges, as tables have it. */
  flush?: boolean
  children: ReactNode
}

/** A surface with a title: what belongs together on a page. */
export function Panel({ title, aside, flush, children }: PanelProps) {
  const id = useId()
  return (
    <section className={classes.panel} aria-labelledby={title ? id : undefined}>
      {(title || aside) && (
        <div className={classes.head}>
          {title && (
            <Title order={2} id={id} className={classes.title}>
              {title}
            </Title>
          )}
          {aside}
        </div>
      )}
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  )
}
