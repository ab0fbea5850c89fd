import { useTranslation } from 'react-i18next'
import { useNoteWords } from './use-note-words'
import classes from './requests.module.css'

/** Conversion notes in words. */
export function NoteList({ notes }: { notes: readonly string[] }) {
  const { t } = useTranslation('requests')
  const words = useNoteWords()
  if (notes.length === 0) return <span className={classes.dim}>{t('notes.none')}</span>
  return (
    <ul className={classes.notes}>
      {notes.map((note) => (
        <li key={note}>
          {words(note)} <code>{note}</code>
        </li>
      ))}
    </ul>
  )
}
