import { Drawer } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Navigation } from './navigation'

interface NavigationDrawerProps {
  opened: boolean
  onSearch: () => void
  onClose: () => void
}

/** The navigation of a phone. */
export function NavigationDrawer({ opened, onSearch, onClose }: NavigationDrawerProps) {
  const { t } = useTranslation(['shell', 'common'])
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      size={272}
      title={t('navigation')}
      closeButtonProps={{ 'aria-label': t('common:action.close') }}
    >
      <Navigation onSearch={onSearch} onChoose={onClose} />
    </Drawer>
  )
}
