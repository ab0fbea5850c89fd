import {
  Alert,
  Button,
  Group,
  Modal,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
} from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery } from '@/api/accounts'
import { fieldOf, Unreachable } from '@/api/errors'
import { CodeView } from '@/components/code-view'
import { useFormat } from '@/components/format'
import { prettyJson } from '@/components/pretty-json'
import { PATHS } from '@/components/reply/reply'
import { usePhone } from '@/components/use-phone'
import { NoteList } from './notes'
import { usePreview } from './requests-api'

interface PreviewDialogProps {
  route: string
  account: string | null
  body: string
  onClose: () => void
}

/** Converts a request for Kiro without sending it, and shows what would go out. */
export function PreviewDialog({ route, account: first, body: text, onClose }: PreviewDialogProps) {
  const { t } = useTranslation(['requests', 'common'])
  const format = useFormat()
  const phone = usePhone()
  const accounts = useQuery(everyAccountQuery)
  const preview = usePreview()
  const [path, setPath] = useState(route)
  const [account, setAccount] = useState(first)
  const [body, setBody] = useState(() => prettyJson(text))
  const [problem, setProblem] = useState<{ account?: string; body?: string }>({})
  const { data } = preview

  const show = (event: FormEvent) => {
    event.preventDefault()
    const read = readObject(body)
    if (typeof read === 'string') {
      const said = read ? t('preview.invalid', { message: read }) : t('preview.notObject')
      setProblem({ body: said })
    } else if (!account) setProblem({ account: t('common:form.required') })
    else {
      setProblem({})
      preview.mutate(
        { path, account, body: read },
        {
          onError: (error) => {
            // What is wrong in the body is named by its members, as is the account itself.
            const field = fieldOf(error)?.field
            if (field === 'account') setProblem({ account: error.message })
            else if (!(error instanceof Unreachable)) setProblem({ body: error.message })
          },
        },
      )
    }
  }
  return (
    <Modal
      opened
      size="80rem"
      fullScreen={phone}
      title={t('preview.title')}
      onClose={onClose}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('common:action.close') }}
    >
      <form onSubmit={show} noValidate>
        <Stack gap="md">
          <Text size="sm" c="dimmed">
            {t('preview.hint')}
          </Text>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select
              label={t('preview.path')}
              data={Object.values(PATHS)}
              allowDeselect={false}
              value={path}
              onChange={(value) => value && setPath(value)}
            />
            <Select
              label={t('preview.account')}
              data={namesWith(accounts.data, account)}
              searchable
              value={account}
              onChange={setAccount}
              error={problem.account}
            />
          </SimpleGrid>
          <Textarea
            label={t('preview.body')}
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
            error={problem.body}
            autosize
            minRows={5}
            maxRows={data ? 8 : 16}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          />
          {preview.error instanceof Unreachable && (
            <Alert color="red" role="alert">
              {t('common:state.unreachable')}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button type="submit" loading={preview.isPending}>
              {t('preview.show')}
            </Button>
          </Group>
          {data && (
            <>
              <NoteList notes={data.notes} />
              <CodeView
                label={t('preview.result')}
                caption={t('preview.summary', {
                  bytes: format.number(data.bytes),
                  model: data.model,
                })}
                text={JSON.stringify(data.kiro_body, null, 2)}
              />
            </>
          )}
        </Stack>
      </form>
    </Modal>
  )
}

/** The object, or what is wrong: the parser's words, or nothing for JSON that is no object. */
function readObject(text: string): Record<string, unknown> | string {
  try {
    const read: unknown = JSON.parse(text)
    const isObject = typeof read === 'object' && read !== null && !Array.isArray(read)
    return isObject ? (read as Record<string, unknown>) : ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export function namesWith(accounts: { name: string }[] | undefined, chosen: string | null) {
  const names = (accounts ?? []).map(({ name }) => name)
  return chosen && !names.includes(chosen) ? [...names, chosen] : names
}
