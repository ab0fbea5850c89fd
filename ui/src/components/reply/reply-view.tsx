import { IconAlertTriangle, IconBrain, IconTool } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { prettyJson } from '../pretty-json'
import type { Block, Reply, ReplyError } from './reply'
import classes from './reply.module.css'

interface ReplyViewProps {
  reply: Reply
  running: boolean
}

/** An answer as it comes: thinking, text, tool calls, and what broke it off. */
export function ReplyView({ reply, running }: ReplyViewProps) {
  const { t } = useTranslation()
  const { blocks, error } = reply
  return (
    <div className={classes.reply} aria-busy={running}>
      {blocks.map((block, place) => (
        <BlockView key={place} block={block} open={running && place === blocks.length - 1} />
      ))}
      {running && blocks.length === 0 && (
        <span className={classes.waiting}>{t('reply.waiting')}</span>
      )}
      {!running && blocks.length === 0 && !error && (
        <span className={classes.waiting}>{t('reply.nothing')}</span>
      )}
      {error && <ErrorView error={error} />}
    </div>
  )
}

function BlockView({ block, open }: { block: Block; open: boolean }) {
  const { t } = useTranslation()
  switch (block.kind) {
    case 'text':
      return <div className={classes.text}>{block.text}</div>
    case 'thinking':
      return (
        <details className={classes.thinking} open={open || undefined}>
          <summary>
            <IconBrain size={15} aria-hidden /> {t('reply.thinking')}
          </summary>
          <div className={classes.text}>{block.text}</div>
        </details>
      )
    case 'tool':
      return (
        <figure className={classes.tool}>
          <figcaption>
            <IconTool size={15} aria-hidden /> {t('reply.calls')} <code>{block.name}</code>
          </figcaption>
          <pre tabIndex={0} aria-label={`${t('reply.calls')} ${block.name}`}>
            {prettyJson(block.input)}
          </pre>
        </figure>
      )
    case 'other':
      return (
        <figure className={classes.tool}>
          <figcaption>
            <code>{block.type}</code>
          </figcaption>
          <pre tabIndex={0} aria-label={block.type}>
            {prettyJson(block.json)}
          </pre>
        </figure>
      )
  }
}

type Source = 'client' | 'key' | 'account' | 'upstream' | 'gateway'

function ErrorView({ error }: { error: ReplyError }) {
  const { t } = useTranslation()
  return (
    <div className={classes.error} role="alert">
      <IconAlertTriangle size={17} aria-hidden />
      <div>
        {error.message}
        <div className={classes.whose}>
          {error.source && `${t(`reply.source.${error.source as Source}`)} · `}
          <code>{error.type}</code>
        </div>
      </div>
    </div>
  )
}
