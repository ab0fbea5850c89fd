import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { mantineStyles } from './scripts/mantine-styles'

const gateway = process.env.KIRO_GATEWAY_URL ?? 'http://127.0.0.1:8080'

/**
 * What nearly every page needs, in two files: the same as some sixty small ones would compress an
 * eighth worse. Whatever only some pages need stays out, or the first page would pay for it.
 */
const LIBRARIES = [
  'react|react-dom|scheduler|use-sync-external-store|i18next|react-i18next|clsx|get-nonce',
  'openapi-fetch|@tanstack/(history|store|query-core|react-(query|router|store)|router-core)',
].join('|')
const MANTINE = [
  'ActionIcon|Button|Center|CloseButton|Code|FloatingIndicator|FocusTrap|Group|Input|InputBase|Kbd',
  'Loader|Menu|ModalBase|Modal|NativeSelect|Overlay|Paper|Popover|Portal|Progress|ScrollArea',
  'SegmentedControl|Skeleton|Stack|Text|TextInput|Title|Tooltip|Transition|UnstyledButton',
  'VisuallyHidden',
].join('|')
const WIDGETS = [
  `@mantine/core/esm/(core|utils|components/(${MANTINE}))`,
  '@mantine/hooks|@floating-ui|tslib|react-(remove-scroll|remove-scroll-bar|style-singleton)',
  'use-(callback-ref|sidecar)',
].join('|')
const FIRST = [
  { name: 'libraries', test: new RegExp(`/node_modules/(${LIBRARIES})/`), priority: 2 },
  {
    name: 'widgets',
    test: new RegExp(`/node_modules/(${WIDGETS})/|/src/components/[^/]+\\.tsx?$`),
    priority: 1,
  },
]

export default defineConfig({
  base: '/ui/',
  plugins: [react(), mantineStyles()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../gateway/web/static',
    emptyOutDir: true,
    // Data URLs would need holes in the content security policy.
    assetsInlineLimit: 0,
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: { groups: FIRST } } },
  },
  server: {
    // `npm run dev` against a gateway that runs already: its pages, with changes shown at once.
    proxy: {
      '/admin': { target: gateway, changeOrigin: true, headers: { origin: gateway } },
      '/health': gateway,
      '/v1': gateway,
    },
  },
})
