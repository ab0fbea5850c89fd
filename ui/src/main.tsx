import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import 'virtual:mantine-styles'
import { QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { makeQueryClient } from '@/api/query-client'
import { cssVariables, theme } from '@/app/theme'
import { App } from '@/app/app'
import '@/app/app.css'
import { noteSignedOut } from '@/features/session/session-api'
import { startTexts } from '@/locales/i18n'

// The policy of the page lets only those styles in that carry the value it came with.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ''
setNonce(nonce)

const queryClient = makeQueryClient(noteSignedOut)
const colours = localStorageColorSchemeManager({ key: 'kiro-gateway-theme' })
const place = document.getElementById('root')

await startTexts()
if (place) {
  createRoot(place).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        colorSchemeManager={colours}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={queryClient}>
          <App />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
