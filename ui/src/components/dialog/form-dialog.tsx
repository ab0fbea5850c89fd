import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { IconAlertCircle } from '@tabler/icons-react'
import { useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError, fieldOf, Unreachable } from '@/api/errors'
import { usePhone } from '../use-phone'
import { DialogFooter } from './dialog-footer'
import classes from './dialog.module.css'

interface FormDialogProps<Values extends object> {
  opened: boolean
  title: string
  form: UseFormReturnType<Values>
  submitLabel: string
  /** Sends the values; what it throws is shown, at its field where it names one. */
  onSubmit: (values: Values) => Promise<unknown>
  onClose: () => void
  /** The field that a refusal is about, where it does not begin with the member's name. */
  locate?: (error: ApiError) => (keyof Values & string) | null
  size?: string
  children: ReactNode
}

/**
 * A form in a dialog. Whatever goes wrong, what was typed stays: it closes by its buttons, and asks
 * before it drops changes.
 */
export function FormDialog<Values extends object>(props: FormDialogProps<Values>) {
  const { form, onClose, locate } = props
  const { t } = useTranslation()
  const phone = usePhone()
  const [problem, setProblem] = useState<string | null>(null)
  const [asking, setAsking] = useState(false)
  const [sending, setSending] = useState(false)

  const close = () => {
    setProblem(null)
    setAsking(false)
    onClose()
  }
  const leave = () => {
    if (sending) return
    if (form.isDirty()) setAsking(true)
    else close()
  }
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    // Dialogs are drawn elsewhere, but their events still pass through what they were opened from.
    event.stopPropagation()
    form.onSubmit(send, focusFirstError)(event)
  }
  const send = async (values: Values) => {
    setAsking(false)
    setProblem(null)
    setSending(true)
    try {
      await props.onSubmit(values)
    } catch (error) {
      const located = error instanceof ApiError ? locate?.(error) : null
      const named = located ? { field: located, message: (error as Error).message } : fieldOf(error)
      if (named && named.field in form.getValues()) {
        form.setFieldError(named.field, named.message)
        requestAnimationFrame(() => form.getInputNode(named.field)?.focus())
      } else if (error instanceof Unreachable) setProblem(t('state.unreachable'))
      else setProblem(error instanceof Error ? error.message : String(error))
    } finally {
      setSending(false)
    }
  }
  const focusFirstError = (errors: Record<string, unknown>) => {
    const first = Object.keys(errors)[0]
    if (first) form.getInputNode(first)?.focus()
  }

  return (
    <Modal
      opened={props.opened}
      onClose={leave}
      title={props.title}
      size={props.size ?? 'lg'}
      fullScreen={phone}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <form onSubmit={submit} noValidate className={classes.form}>
        <Stack gap="md">{props.children}</Stack>
        <DialogFooter>
          {problem && (
            <Alert
              color="red"
              role="alert"
              icon={<IconAlertCircle size={18} aria-hidden />}
              title={t('form.failed')}
              mb="sm"
            >
              {problem}
            </Alert>
          )}
          {asking ? (
            <Group justify="flex-end" gap="xs" role="alert">
              <Text size="sm" flex="1 1 auto">
                {t('form.unsaved')}
              </Text>
              <Button variant="default" onClick={() => setAsking(false)}>
                {t('action.keepEditing')}
              </Button>
              <Button color="red.8" data-autofocus onClick={close}>
                {t('action.discard')}
              </Button>
            </Group>
          ) : (
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={leave} disabled={sending}>
                {t('action.cancel')}
              </Button>
              <Button type="submit" loading={sending}>
                {props.submitLabel}
              </Button>
            </Group>
          )}
        </DialogFooter>
      </form>
    </Modal>
  )
}
