import { useEffect, useRef } from 'react'

const MEANT = '[data-autofocus]'
const FIRST = 'input:not([type="hidden"]), textarea, a[href], button:not(:disabled)'

/**
 * For what shows one view after another: when the focus is gone with the view before, it goes into
 * the new one. `view` names it. Nobody's focus is taken away.
 */
export function useFocusOnChange<Place extends HTMLElement>(view: string) {
  const place = useRef<Place>(null)
  const known = useRef(view)
  useEffect(() => {
    if (known.current === view) return
    known.current = view
    const focused = document.activeElement
    if (focused && focused !== document.body) return
    const next =
      place.current?.querySelector<HTMLElement>(MEANT) ??
      place.current?.querySelector<HTMLElement>(FIRST)
    next?.focus({ preventScroll: true })
  }, [view])
  return place
}
