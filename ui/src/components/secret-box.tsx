import { Alert, Text } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from './copy-button'
import classes from './secret-box.module.css'

interface SecretBoxProps {
  /** What it is: "API key". */
  label: string
  secret: string
}

/** A secret, shown this once. Whoever shows it forgets it when it is closed. */
export function SecretBox({ label, secret }: SecretBoxProps) {
  const { t } = useTranslation()
  const code = useRef<HTMLElement>(null)
  const select = () => {
    if (code.current) window.getSelection()?.selectAllChildren(code.current)
  }
  return (
    <Alert color="indigo" variant="light" icon={<IconKey size={18} aria-hidden />} title={label}>
      <div className={classes.box}>
        <code ref={code} className={classes.secret} onClick={select}>
          {secret}
        </code>
        <CopyButton text={secret} label={label} wide onFailure={select} />
      </div>
      <Text size="sm" mt="xs">
        {t('secret.once')}
      </Text>
    </Alert>
  )
}
