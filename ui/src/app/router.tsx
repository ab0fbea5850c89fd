import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { Loading } from '@/components/loading'
import { accountsSearch } from '@/features/accounts/search'
import type { Catalogues } from '@/locales/catalogue'
import { i18n } from '@/locales/i18n'
import { PageBroken, PageNotFound } from './fallbacks'
import { PAGES } from './pages'
import { listSearch, rangeSearch } from '@/components/search'
import { Shell } from './shell/shell'

/** Texts come with the page that needs them. */
function texts(...namespaces: (keyof Catalogues)[]) {
  return () => i18n.loadNamespaces(namespaces)
}

const root = createRootRoute({ component: Shell })

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- how the router is told
    throw redirect({ to: PAGES[0]?.path ?? '/keys', replace: true })
  },
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

export const router = createRouter({
  routeTree: root.addChildren([start, accounts, account, keys, key]),
  basepath: '/ui',
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
