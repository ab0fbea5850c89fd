import { Text } from '@mantine/core'
import type { TablerIcon } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './message.module.css'

interface MessageProps {
  icon: TablerIcon
  title: string
  children?: ReactNode
  /** What can be done about it. */
  action?: ReactNode
  tone?: 'plain' | 'good' | 'bad'
}

/** In place of content: why there is none, and what to do. */
export function Message({ icon: Icon, title, children, action, tone = 'plain' }: MessageProps) {
  return (
    <div className={classes.message} data-tone={tone}>
      <div className={classes.icon}>
        <Icon size={22} stroke={1.6} aria-hidden />
      </div>
      <Text fw={600}>{title}</Text>
      {children && (
        <Text component="div" size="sm" c="dimmed" maw="56ch" className={classes.text}>
          {children}
        </Text>
      )}
      {action && <div className={classes.action}>{action}</div>}
    </div>
  )
}
