import { Button, Textarea, UnstyledButton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { Login } from '@/api/types'
import { bare, problemOfAddress, type Awaited } from './pasted-address'
import { usePasted } from './sign-in-api'
import classes from './sign-in.module.css'
import { isLocal } from './ways'

const BEGINS: Record<Awaited, string> = {
  loopback: 'http://localhost:',
  kiro: 'kiro://kiro.oauth/callback',
}

interface PasteAddressProps {
  login: Login
  awaited: Awaited
  /** The page that was opened; empty where it is not known. */
  opened: string
}

/** For the address that the browser cannot open: its code goes to the gateway by hand. */
export function PasteAddress({ login, awaited, opened }: PasteAddressProps) {
  const { t } = useTranslation(['sign-in', 'common'])
  const pasted = usePasted(login.id)
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const local = isLocal(window.location.hostname)
  // A kiro:// address has to be pasted by everybody, the other one where the browser is elsewhere.
  const [shown, setShown] = useState(awaited === 'kiro' || !local)

  const send = async () => {
    const wrong = problemOfAddress(text, awaited, opened)
    if (wrong) return complain(t(`paste.${wrong}`, { begins: BEGINS[awaited] }))
    setProblem(null)
    try {
      await pasted.mutateAsync(bare(text))
      setText('')
    } catch (error) {
      if (error instanceof Unreachable) complain(t('common:state.unreachable'))
      else complain(error instanceof Error ? error.message : String(error))
    }
  }
  const complain = (said: string) => {
    setProblem(said)
    field.current?.focus()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation()
    void send()
  }
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
    event.preventDefault()
    void send()
  }

  return (
    <div className={classes.paste}>
      {awaited === 'loopback' && (
        <UnstyledButton
          className={classes.question}
          aria-expanded={shown}
          onClick={() => setShown(!shown)}
        >
          <IconChevronRight size={15} aria-hidden className={shown ? classes.opened : undefined} />
          {t(local ? 'paste.local' : 'paste.remote')}
        </UnstyledButton>
      )}
      {shown && (
        <form onSubmit={submit} noValidate className={classes.pasteForm}>
          <Textarea
            ref={field}
            autosize={false}
            rows={3}
            label={t('paste.label')}
            description={awaited === 'loopback' ? t('paste.hint') : undefined}
            placeholder={`${BEGINS[awaited]}…`}
            autoComplete="off"
            spellCheck={false}
            value={text}
            error={problem}
            onChange={(event) => {
              setText(event.currentTarget.value)
              setProblem(null)
            }}
            onKeyDown={press}
            classNames={{ input: classes.address }}
          />
          <Button type="submit" loading={pasted.isPending} className={classes.pasteSubmit}>
            {t('paste.submit')}
          </Button>
        </form>
      )}
    </div>
  )
}
