import { Alert, Button, Group, Text, TextInput } from '@mantine/core'
import { useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldOf, Unreachable } from '@/api/errors'
import classes from './first-run.module.css'

interface NameFormProps {
  explanation: string
  label: string
  hint: string
  submitLabel: string
  name: string
  onName: (name: string) => void
  /** What is wrong with a name, or null. */
  check: (name: string) => string | null
  /** Makes what is to have this name; what it throws is shown. */
  onSubmit: (name: string) => Promise<unknown>
}

/** Nothing but a name is asked for here; everything else can be set later. */
export function NameForm(props: NameFormProps) {
  const { t } = useTranslation(['first-run', 'common'])
  const field = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [sending, setSending] = useState(false)

  const complain = (said: string) => {
    setWrong(said)
    field.current?.focus()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const name = props.name.trim()
    const refused = name ? props.check(name) : t('common:form.required')
    if (refused) return complain(refused)
    setProblem(null)
    setSending(true)
    try {
      await props.onSubmit(name)
    } catch (error) {
      const named = fieldOf(error)
      if (named?.field === 'name') complain(named.message)
      else if (error instanceof Unreachable) setProblem(t('common:state.unreachable'))
      else setProblem(error instanceof Error ? error.message : String(error))
    } finally {
      setSending(false)
    }
  }
  return (
    <form noValidate className={classes.content} onSubmit={(event) => void submit(event)}>
      <Text size="sm" c="dimmed" maw="62ch">
        {props.explanation}
      </Text>
      <TextInput
        ref={field}
        maw={420}
        required
        label={props.label}
        description={props.hint}
        value={props.name}
        error={wrong}
        onChange={(event) => {
          props.onName(event.currentTarget.value)
          setWrong(null)
        }}
      />
      {problem && (
        <Alert color="red" role="alert" title={t('common:form.failed')}>
          {problem}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button type="submit" loading={sending}>
          {props.submitLabel}
        </Button>
      </Group>
    </form>
  )
}
