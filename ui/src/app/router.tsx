import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { firstRunSkipped, inUseQuery } from '@/api/first-run'
import { Loading } from '@/components/loading'
import { accountsSearch } from '@/features/accounts/search'
import type { Catalogues } from '@/locales/catalogue'
import { i18n } from '@/locales/i18n'
import { PageBroken, PageNotFound } from './fallbacks'
import { PAGES } from './pages'
import { listSearch, rangeSearch } from '@/components/search'
import { playgroundSearch } from '@/features/playground/search'
import { requestSearch } from '@/features/requests/search'
import { settingsSearch } from '@/features/settings/search'
import { usageSearch } from '@/features/usage/usage-search'
import { Shell } from './shell/shell'

/** Texts come with the page that needs them. */
function texts(...namespaces: (keyof Catalogues)[]) {
  return () => i18n.loadNamespaces(namespaces)
}

interface Context {
  client: QueryClient
}

const root = createRootRouteWithContext<Context>()({ component: Shell })

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: async ({ context: { client } }) => {
    const to = (await needsSetUp(client)) ? '/start' : (PAGES[0]?.path ?? '/keys')
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- how the router is told
    throw redirect({ to, replace: true })
  },
})

const overview = createRoute({
  getParentRoute: () => root,
  path: '/overview',
  validateSearch: rangeSearch,
  loader: texts('overview'),
  component: lazyRouteComponent(() => import('@/features/overview/overview-page'), 'OverviewPage'),
})

const accounts = createRoute({
  getParentRoute: () => root,
  path: '/accounts',
  validateSearch: accountsSearch,
  loader: texts('accounts'),
  component: lazyRouteComponent(() => import('@/features/accounts/accounts-page'), 'AccountsPage'),
})

const account = createRoute({
  getParentRoute: () => root,
  path: '/accounts/$id',
  loader: texts('accounts'),
  component: lazyRouteComponent(() => import('@/features/accounts/account-page'), 'AccountPage'),
})

async function needsSetUp(client: QueryClient): Promise<boolean> {
  if (firstRunSkipped()) return false
  // Whoever cannot be told is not sent anywhere unusual.
  return !(await client.fetchQuery(inUseQuery).catch(() => true))
}

const firstRun = createRoute({
  getParentRoute: () => root,
  path: '/start',
  loader: texts('first-run', 'sign-in'),
  component: lazyRouteComponent(
    () => import('@/features/first-run/first-run-page'),
    'FirstRunPage',
  ),
})

const accountSignIn = createRoute({
  getParentRoute: () => root,
  path: '/accounts/$id/sign-in',
  loader: texts('sign-in'),
  component: lazyRouteComponent(
    () => import('@/features/account-sign-in/account-sign-in-page'),
    'AccountSignInPage',
  ),
})

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  validateSearch: listSearch,
  loader: texts('keys'),
  component: lazyRouteComponent(() => import('@/features/api-keys/keys-page'), 'KeysPage'),
})

const key = createRoute({
  getParentRoute: () => root,
  path: '/keys/$id',
  validateSearch: rangeSearch,
  loader: texts('keys'),
  component: lazyRouteComponent(() => import('@/features/api-keys/key-page'), 'KeyPage'),
})

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: usageSearch,
  loader: texts('usage'),
  component: lazyRouteComponent(() => import('@/features/usage/usage-page'), 'UsagePage'),
})

const requests = createRoute({
  getParentRoute: () => root,
  path: '/requests',
  validateSearch: requestSearch,
  loader: texts('requests'),
  component: lazyRouteComponent(() => import('@/features/requests/requests-page'), 'RequestsPage'),
})

// Keeps what the list was filtered by, for the way back.
const request = createRoute({
  getParentRoute: () => root,
  path: '/requests/$id',
  validateSearch: requestSearch,
  loader: texts('requests'),
  component: lazyRouteComponent(() => import('@/features/requests/request-page'), 'RequestPage'),
})

const playground = createRoute({
  getParentRoute: () => root,
  path: '/playground',
  validateSearch: playgroundSearch,
  loader: texts('playground'),
  component: lazyRouteComponent(
    () => import('@/features/playground/playground-page'),
    'PlaygroundPage',
  ),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  validateSearch: settingsSearch,
  loader: texts('settings'),
  component: lazyRouteComponent(() => import('@/features/settings/settings-page'), 'SettingsPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    firstRun,
    overview,
    accounts,
    account,
    accountSignIn,
    keys,
    key,
    usage,
    requests,
    request,
    playground,
    settings,
  ]),
  basepath: '/ui',
  // Given where it is drawn.
  context: { client: undefined! },
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  defaultNotFoundComponent: PageNotFound,
  defaultErrorComponent: PageBroken,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
