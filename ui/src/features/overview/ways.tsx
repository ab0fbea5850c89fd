import type { ReactNode } from 'react'
import { LinkButton } from '@/components/link-button'

interface WayProps {
  id: string
  children: ReactNode
}

export function AccountWay({ id, children }: WayProps) {
  return (
    <LinkButton size="xs" to="/usage" search={{ account: id }}>
      {children}
    </LinkButton>
  )
}

export function KeyWay({ id, children }: WayProps) {
  return (
    <LinkButton size="xs" to="/keys/$id" params={{ id }}>
      {children}
    </LinkButton>
  )
}

export function ErrorsWay({ children }: Omit<WayProps, 'id'>) {
  return (
    <LinkButton
      size="xs"
      to="/usage"
      search={{ range: '1h', measure: 'errors', group: 'account,model' }}
    >
      {children}
    </LinkButton>
  )
}
