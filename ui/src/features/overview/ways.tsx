import type { ReactNode } from 'react'
import { LinkButton } from '@/components/link-button'

interface WayProps {
  id: string
  children: ReactNode
}

export function AccountWay({ id, children }: WayProps) {
  return (
    <LinkButton size="xs" to="/accounts/$id" params={{ id }}>
      {children}
    </LinkButton>
  )
}

export function SignInWay({ id, children }: WayProps) {
  return (
    <LinkButton size="xs" to="/accounts/$id/sign-in" params={{ id }}>
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
    <LinkButton size="xs" to="/requests" search={{ status: 'failed', range: '1h' }}>
      {children}
    </LinkButton>
  )
}
