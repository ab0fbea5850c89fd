import { ActionIcon, Kbd, Tooltip, UnstyledButton } from '@mantine/core'
import { IconLogout, IconSearch } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Brand } from '@/components/brand'
import { useSignOut } from '@/features/session/session-api'
import { PAGES } from '../pages'
import { ConnectionMark } from './connection'
import { Preferences } from './preferences'
import { SetUpLink } from './set-up-link'
import classes from './shell.module.css'

interface NavigationProps {
  onSearch: () => void
  /** A page was chosen: the drawer of a phone closes. */
  onChoose?: () => void
}

const MAC = /mac|iphone|ipad/i.test(navigator.userAgent)

export function Navigation({ onSearch, onChoose }: NavigationProps) {
  const { t } = useTranslation(['shell', 'common'])
  const signOut = useSignOut()
  return (
    <div className={classes.navigation}>
      <div className={classes.brand}>
        <Brand size={26} />
        {t('common:product')}
      </div>
      <UnstyledButton className={classes.search} onClick={onSearch}>
        <IconSearch size={15} aria-hidden />
        <span>{t('search')}</span>
        <Kbd size="xs" aria-hidden>
          {MAC ? '⌘ K' : 'Ctrl K'}
        </Kbd>
      </UnstyledButton>
      <nav aria-label={t('navigation')} className={classes.links}>
        {PAGES.map(({ path, label, icon: Icon }) => (
          <Link key={path} to={path} className={classes.link} onClick={onChoose}>
            <Icon size={18} stroke={1.7} aria-hidden />
            {t(label)}
          </Link>
        ))}
      </nav>
      <SetUpLink className={classes.link} onChoose={onChoose} />
      <div className={classes.foot}>
        <ConnectionMark />
        <Preferences />
        <Tooltip label={t('signOut')}>
          <ActionIcon
            size="lg"
            aria-label={t('signOut')}
            loading={signOut.isPending}
            onClick={() => signOut.mutate()}
          >
            <IconLogout size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      {signOut.isError && (
        <p role="alert" className={classes.problem}>
          {t('signOutFailed')}
        </p>
      )}
    </div>
  )
}
