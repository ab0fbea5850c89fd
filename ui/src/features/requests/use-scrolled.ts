import { useSyncExternalStore } from 'react'

const FAR = 160 // pixels; here the first rows have left the window

/** Whether the page is scrolled away from its beginning. */
export function useScrolled(): boolean {
  return useSyncExternalStore(subscribe, () => window.scrollY > FAR)
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('scroll', listener, { passive: true })
  return () => window.removeEventListener('scroll', listener)
}
