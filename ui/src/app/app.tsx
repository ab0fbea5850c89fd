import { RouterProvider } from '@tanstack/react-router'
import { SessionGate } from '@/features/session/session-gate'
import { router } from './router'
import { Preferences } from './shell/preferences'

/** The way in, and the pages behind it, of which nothing is fetched before. */
export function App() {
  return (
    <SessionGate preferences={<Preferences />}>
      <RouterProvider router={router} />
    </SessionGate>
  )
}
