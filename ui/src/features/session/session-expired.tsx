import { Modal, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { SignInForm } from './sign-in-form'

/** Over a page whose session has ended; all that was typed into it stays. */
export function SessionExpired() {
  const { t } = useTranslation('session')
  return (
    <Modal
      opened
      onClose={() => {}}
      title={t('expired')}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={1000}
    >
      <Text size="sm" mb="md">
        {t('expiredHint')}
      </Text>
      <SignInForm />
    </Modal>
  )
}
