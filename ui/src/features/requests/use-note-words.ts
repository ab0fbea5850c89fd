import { useTranslation } from 'react-i18next'

/** Conversion notes, `kind:subject`, as sentences. */
export function useNoteWords(): (note: string) => string {
  const { t, i18n } = useTranslation('requests')
  return (note) => {
    const { kind, subject } = partsOf(note)
    const whole = `notes.${kind}-${subject}`
    if (i18n.exists(`requests:${whole}`)) return t(whole as 'notes.added-tool')
    if (kind === 'dropped') return t('notes.dropped', { subject })
    return t('notes.other', { kind, subject })
  }
}

export function partsOf(note: string): { kind: string; subject: string } {
  const [kind = '', ...rest] = note.split(':')
  return { kind, subject: rest.join(':') }
}
