import { ActionIcon, Button, FileButton, Group, Text, Textarea, Tooltip } from '@mantine/core'
import { IconPhotoPlus, IconPlayerStop, IconSend, IconX } from '@tabler/icons-react'
import { useState, type ClipboardEvent, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '@/components/format'
import { ACCEPTED, LARGEST, problemOf, readPicture } from './pictures'
import type { Picture, ToolAnswer, UserTurn } from './turns'
import classes from './playground.module.css'

interface ComposerProps {
  /** Calls that the model waits for the results of. */
  calls: { id: string; name: string }[]
  running: boolean
  /** Whether it was taken; if not, what was typed stays. */
  onSend: (turn: UserTurn) => boolean
  onStop: () => void
}

/** Where the next message is written, with images and results of tools. */
export function Composer({ calls, running, onSend, onStop }: ComposerProps) {
  const { t } = useTranslation('playground')
  const format = useFormat()
  const [text, setText] = useState('')
  const [pictures, setPictures] = useState<Picture[]>([])
  const [results, setResults] = useState<Record<string, string>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const empty = !text.trim() && pictures.length === 0 && calls.length === 0

  const attach = async (files: File[]) => {
    setProblem(null)
    for (const file of files) {
      const wrong = problemOf(file)
      const size = format.bytes(LARGEST)
      if (wrong) setProblem(t(wrong, { name: file.name, size }))
      else {
        const picture = await readPicture(file)
        setPictures((earlier) => [...earlier, picture])
      }
    }
  }
  const send = () => {
    if (running || empty) return
    const answers: ToolAnswer[] = calls.map(({ id, name }) => ({
      id,
      name,
      text: results[id] ?? '',
    }))
    if (!onSend({ role: 'user', text: text.trim(), pictures, answers })) return
    setText('')
    setPictures([])
    setResults({})
  }
  const press = (event: KeyboardEvent) => {
    // While a word is being composed, as in Chinese, Enter ends that.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    void attach(files)
  }
  return (
    <div className={classes.composer}>
      {calls.map(({ id, name }) => (
        <Textarea
          key={id}
          label={t('resultOf', { name })}
          autosize
          minRows={1}
          maxRows={8}
          value={results[id] ?? ''}
          onChange={({ currentTarget: { value } }) =>
            setResults((earlier) => ({ ...earlier, [id]: value }))
          }
        />
      ))}
      <Textarea
        aria-label={t('message')}
        placeholder={t('messagePlaceholder')}
        autosize
        minRows={2}
        maxRows={12}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={press}
        onPaste={paste}
      />
      {problem && (
        <Text size="sm" c="var(--ui-bad)" role="alert">
          {problem}
        </Text>
      )}
      <Group justify="space-between" gap="xs">
        <Group gap={6}>
          <FileButton multiple accept={ACCEPTED} onChange={(files) => void attach(files)}>
            {(props) => (
              <Tooltip label={t('attach')}>
                <ActionIcon {...props} size="lg" aria-label={t('attach')}>
                  <IconPhotoPlus size={19} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </FileButton>
          {pictures.map((picture, place) => (
            <span key={place} className={classes.picture}>
              <img alt="" src={`data:${picture.type};base64,${picture.data}`} />
              {picture.name}
              <ActionIcon
                size="xs"
                aria-label={t('detach', { name: picture.name })}
                onClick={() => setPictures(pictures.filter((_, other) => other !== place))}
              >
                <IconX size={12} aria-hidden />
              </ActionIcon>
            </span>
          ))}
        </Group>
        {running ? (
          <Button
            variant="default"
            leftSection={<IconPlayerStop size={16} aria-hidden />}
            onClick={onStop}
          >
            {t('stop')}
          </Button>
        ) : (
          <Button leftSection={<IconSend size={16} aria-hidden />} disabled={empty} onClick={send}>
            {t('send')}
          </Button>
        )}
      </Group>
    </div>
  )
}
