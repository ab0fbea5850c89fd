import { ActionIcon, Button, Tooltip, VisuallyHidden } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useEffect, useState, type MouseEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { copyText } from './copy'

const SHOWN = 2000 // milliseconds

interface CopyButtonProps {
  text: string
  /** What is copied, for those who do not see what the button stands beside. */
  label: string
  /** With its word, not only its icon. */
  wide?: boolean
  /** In place of that word, where several stand together. */
  caption?: string
  /** Where it cannot be copied: mark the text, for copying by hand. */
  onFailure?: () => void
}

/** Copies a text and says so. Works on plain http as well. */
export function CopyButton({ text, label, wide, caption, onFailure }: CopyButtonProps) {
  const { t } = useTranslation()
  const [outcome, setOutcome] = useState<'none' | 'copied' | 'failed'>('none')
  useEffect(() => {
    if (outcome === 'none') return
    const timer = setTimeout(() => setOutcome('none'), SHOWN)
    return () => clearTimeout(timer)
  }, [outcome])

  const copy = async (event: MouseEvent<HTMLButtonElement>) => {
    event.stopPropagation()
    const near = event.currentTarget.parentElement ?? document.body
    const copied = await copyText(text, near)
    setOutcome(copied ? 'copied' : 'failed')
    if (!copied) onFailure?.()
  }
  const said = {
    none: caption ?? t('action.copy'),
    copied: t('action.copied'),
    failed: t('action.copyByHand'),
  }
  const Icon = outcome === 'copied' ? IconCheck : IconCopy
  const name = `${t('action.copy')}: ${label}`
  return (
    <>
      {wide ? (
        <Button
          variant="default"
          size="xs"
          aria-label={caption ? undefined : name}
          leftSection={<Icon size={15} aria-hidden />}
          onClick={(event) => void copy(event)}
        >
          {said[outcome]}
        </Button>
      ) : (
        <Tooltip label={said[outcome]} opened={outcome === 'none' ? undefined : true}>
          <ActionIcon size="sm" aria-label={name} onClick={(event) => void copy(event)}>
            <Icon size={15} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      <VisuallyHidden role="status">{outcome === 'none' ? '' : said[outcome]}</VisuallyHidden>
    </>
  )
}
