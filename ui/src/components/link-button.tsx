import { Button } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { ComponentPropsWithRef } from 'react'

type AnchorProps = ComponentPropsWithRef<'a'> & { size?: 'xs' | 'sm' }

function ButtonAnchor({ size = 'sm', children, ...anchor }: AnchorProps) {
  return (
    <Button variant="default" size={size} renderRoot={(props) => <a {...anchor} {...props} />}>
      {children}
    </Button>
  )
}

/** A link to a page that looks like a button: for what is done elsewhere. */
export const LinkButton = createLink(ButtonAnchor)
