import {
  Autocomplete,
  Button,
  Collapse,
  NativeSelect,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Textarea,
  UnstyledButton,
} from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiKey, Account } from '@/api/types'
import { Panel } from '@/components/panel'
import { EFFORTS, EXAMPLE_TOOL, type Effort, type Options } from './turns'
import classes from './playground.module.css'

export interface Who {
  through: 'key' | 'account'
  /** An id. */
  key: string | null
  /** A name. */
  account: string | null
}

interface OptionsPanelProps {
  options: Options
  who: Who
  keys: ApiKey[]
  accounts: Account[]
  models: string[]
  problems: { who?: string; model?: string; tools?: string }
  onOptions: (part: Partial<Options>) => void
  onWho: (part: Partial<Who>) => void
}

const MONOSPACE = {
  input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 },
}

/** Whom to ask, and how. */
export function OptionsPanel(props: OptionsPanelProps) {
  const { options, who, problems, onOptions, onWho } = props
  const { t } = useTranslation('playground')
  const [more, setMore] = useState(false)
  const opened = more || !!problems.tools
  return (
    <Panel title={t('options')}>
      <Stack gap="sm">
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label={t('through')}
          data={[
            { value: 'account', label: t('account') },
            { value: 'key', label: t('key') },
          ]}
          value={who.through}
          onChange={(through) => onWho({ through: through })}
        />
        {who.through === 'key' ? (
          <Select
            label={t('key')}
            description={t('keyHint')}
            searchable
            data={props.keys.map(({ id, name }) => ({ value: id, label: name }))}
            value={who.key}
            onChange={(key) => onWho({ key })}
            error={problems.who}
          />
        ) : (
          <Select
            label={t('account')}
            description={t('accountHint')}
            searchable
            data={props.accounts.map(({ name }) => name)}
            value={who.account}
            onChange={(account) => onWho({ account })}
            error={problems.who}
          />
        )}
        <Autocomplete
          label={t('model')}
          data={props.models}
          value={options.model}
          onChange={(model) => onOptions({ model })}
          error={problems.model}
        />
        <NativeSelect
          label={t('dialect')}
          data={(['anthropic', 'openai'] as const).map((value) => ({ value, label: t(value) }))}
          value={options.dialect}
          onChange={(event) =>
            onOptions({ dialect: event.currentTarget.value as Options['dialect'] })
          }
        />
        <NativeSelect
          label={t('thinking')}
          data={EFFORTS.map((value) => ({ value, label: t(`effort.${value}`) }))}
          value={options.thinking}
          onChange={(event) => onOptions({ thinking: event.currentTarget.value as Effort })}
        />
        <UnstyledButton
          className={classes.more}
          aria-expanded={opened}
          onClick={() => setMore(!opened)}
        >
          <IconChevronRight size={15} aria-hidden /> {t('more')}
        </UnstyledButton>
        <Collapse expanded={opened}>
          <Stack gap="sm">
            <Textarea
              label={t('system')}
              autosize
              minRows={2}
              maxRows={8}
              value={options.system}
              onChange={(event) => onOptions({ system: event.currentTarget.value })}
            />
            <div>
              <Textarea
                label={t('tools')}
                description={t('toolsHint')}
                autosize
                minRows={2}
                maxRows={14}
                spellCheck={false}
                styles={MONOSPACE}
                value={options.tools}
                onChange={(event) => onOptions({ tools: event.currentTarget.value })}
                error={problems.tools}
              />
              {!options.tools && (
                <Button
                  mt={4}
                  size="compact-xs"
                  variant="subtle"
                  onClick={() => onOptions({ tools: EXAMPLE_TOOL })}
                >
                  {t('example')}
                </Button>
              )}
            </div>
            <NumberInput
              label={t('maxTokens')}
              min={1}
              allowDecimal={false}
              allowNegative={false}
              hideControls
              value={options.maxTokens}
              onChange={(value) => onOptions({ maxTokens: Number(value) || 1 })}
            />
            <Switch
              label={t('stream')}
              checked={options.stream}
              onChange={(event) => onOptions({ stream: event.currentTarget.checked })}
            />
          </Stack>
        </Collapse>
      </Stack>
    </Panel>
  )
}
