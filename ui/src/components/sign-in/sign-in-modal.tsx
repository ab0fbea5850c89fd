import { Button, Group, Modal, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePhone } from '../use-phone'
import { SignIn } from './sign-in'

export interface SignInModalProps {
  account: { id: string; name: string }
  /** Closed at any point; a sign-in that goes on is not ended by it. */
  onClose: () => void
  /** Closed after a good end. */
  onDone: () => void
}

export function SignInModal({ account, onClose, onDone }: SignInModalProps) {
  const { t } = useTranslation(['sign-in', 'common'])
  const phone = usePhone()
  const [typed, setTyped] = useState(false)
  const [asking, setAsking] = useState(false)
  return (
    <Modal
      opened
      size="lg"
      fullScreen={phone}
      title={t('title', { name: account.name })}
      onClose={() => (typed ? setAsking(true) : onClose())}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('common:action.close') }}
    >
      {asking && typed && (
        <Group justify="flex-end" gap="xs" role="alert" mb="md">
          <Text size="sm" flex="1 1 auto">
            {t('common:form.unsaved')}
          </Text>
          <Button variant="default" size="xs" onClick={() => setAsking(false)}>
            {t('common:action.keepEditing')}
          </Button>
          <Button color="red.8" size="xs" onClick={onClose}>
            {t('common:action.discard')}
          </Button>
        </Group>
      )}
      <SignIn account={account} onDone={onDone} onTyped={setTyped} />
    </Modal>
  )
}
