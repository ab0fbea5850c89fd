import { Alert, Button, Group, Modal, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'

interface ConfirmDialogProps {
  opened: boolean
  title: string
  children: ReactNode
  confirmLabel: string
  /** Red, for what cannot be taken back. */
  danger?: boolean
  /** Does it; what it throws is shown, and the dialog stays. */
  onConfirm: () => Promise<unknown>
  onClose: () => void
}

/** Asks before something is done that hurts. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { t } = useTranslation()
  const [problem, setProblem] = useState<string | null>(null)
  const [doing, setDoing] = useState(false)
  const close = () => {
    if (doing) return
    setProblem(null)
    props.onClose()
  }
  const confirm = async () => {
    setProblem(null)
    setDoing(true)
    try {
      await props.onConfirm()
    } catch (error) {
      if (error instanceof Unreachable) setProblem(t('state.unreachable'))
      else setProblem(error instanceof Error ? error.message : String(error))
    } finally {
      setDoing(false)
    }
  }
  return (
    <Modal
      opened={props.opened}
      onClose={close}
      title={props.title}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <Text component="div" size="sm">
        {props.children}
      </Text>
      {problem && (
        <Alert color="red" role="alert" mt="md">
          {problem}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs" mt="lg">
        <Button variant="default" onClick={close} disabled={doing} data-autofocus>
          {t('action.cancel')}
        </Button>
        <Button
          color={props.danger ? 'red.8' : undefined}
          loading={doing}
          onClick={() => void confirm()}
        >
          {props.confirmLabel}
        </Button>
      </Group>
    </Modal>
  )
}
