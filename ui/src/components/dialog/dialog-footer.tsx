import type { ReactNode } from 'react'
import classes from './dialog.module.css'

/** The buttons of a dialog: always in sight, however long what is above them. */
export function DialogFooter({ children }: { children: ReactNode }) {
  return <div className={classes.footer}>{children}</div>
}
