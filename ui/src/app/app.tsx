import { RouterProvider } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { SessionGate } from '@/features/session/session-gate'
import { router } from './router'
import { Preferences } from './shell/preferences'

/** The way in, and the pages behind it, of which nothing is fetched before. */
export function App() {
  const client = useQueryClient()
  return (
    <SessionGate preferences={<Preferences />}>
      <RouterProvider router={router} context={{ client }} />
    </SessionGate>
  )
}
