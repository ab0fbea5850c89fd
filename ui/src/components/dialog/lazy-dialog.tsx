import { lazy, Suspense, useEffect, type ComponentType } from 'react'

/**
 * A dialog whose code comes when it is first opened: forms are large, and pages should be quick.
 * Drawn only while it is open; the focus goes back to what it was opened by.
 */
export function lazyDialog<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  const Dialog = lazy(async () => ({ default: await load() })) as ComponentType<Props>
  return function LazyDialog(props: Props) {
    useReturnedFocus()
    return (
      <Suspense>
        <Dialog {...props} />
      </Suspense>
    )
  }
}

function useReturnedFocus(): void {
  useEffect(() => {
    const opener = openerOf(document.activeElement)
    return () => {
      requestAnimationFrame(() => {
        if (document.activeElement === document.body) opener?.focus({ preventScroll: true })
      })
    }
  }, [])
}

/** Entries of a menu are gone by then; the button that the menu belongs to is not. */
function openerOf(focused: Element | null): HTMLElement | null {
  const menu = focused?.closest('[role="menu"]')
  const owner = menu && document.querySelector(`[aria-controls="${CSS.escape(menu.id)}"]`)
  const opener = owner ?? focused
  return opener instanceof HTMLElement ? opener : null
}
