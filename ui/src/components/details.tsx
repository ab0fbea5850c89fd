import type { ReactNode } from 'react'
import classes from './details.module.css'

/** Names and values, two by two. `[name, value]`; values that are null are left out. */
export function Details({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className={classes.details}>
      {items.map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
