import { ActionIcon } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconMenu2, IconSearch } from '@tabler/icons-react'
import { Outlet, useLocation } from '@tanstack/react-router'
import { Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Brand } from '@/components/brand'
import { lazyDialog } from '@/components/dialog/lazy-dialog'
import { Loading } from '@/components/loading'
import { usePhone } from '@/components/use-phone'
import { ConnectionBanner } from './connection'
import { Navigation } from './navigation'
import classes from './shell.module.css'

const Palette = lazyDialog(async () => (await import('./palette')).Palette)
const NavigationDrawer = lazyDialog(async () => (await import('./drawer')).NavigationDrawer)

/** Around every page: navigation, connection, the command palette. */
export function Shell() {
  const { t } = useTranslation(['shell', 'common'])
  const [drawer, { open, close }] = useDisclosure(false)
  const [searching, setSearching] = useState(false)
  const phone = usePhone()
  const main = useFocusOnNewPage()

  const search = () => {
    close()
    setSearching(true)
  }
  useHotkeys([['mod+K', search]], [])

  return (
    <div className={classes.root}>
      <a href="#main" className={classes.skip}>
        {t('skip')}
      </a>
      {phone ? (
        <header className={classes.bar}>
          <ActionIcon size="lg" aria-label={t('openNavigation')} onClick={open}>
            <IconMenu2 size={20} aria-hidden />
          </ActionIcon>
          <span className={classes.brand}>
            <Brand size={24} />
            {t('common:product')}
          </span>
          <ActionIcon size="lg" aria-label={t('search')} onClick={search}>
            <IconSearch size={19} aria-hidden />
          </ActionIcon>
        </header>
      ) : (
        <aside className={classes.side}>
          <Navigation onSearch={search} />
        </aside>
      )}
      {phone && <NavigationDrawer opened={drawer} onSearch={search} onClose={close} />}
      <main id="main" ref={main} tabIndex={-1} className={classes.main}>
        <ConnectionBanner />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
      {searching && <Palette onClose={() => setSearching(false)} />}
    </div>
  )
}

/** After a change of page the focus is at its beginning, as after any other link. */
function useFocusOnNewPage() {
  const main = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  const known = useRef(pathname)
  useEffect(() => {
    if (known.current === pathname) return
    known.current = pathname
    main.current?.focus({ preventScroll: true })
  }, [pathname])
  return main
}
