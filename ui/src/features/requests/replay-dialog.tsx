import { Alert, Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { everyAccountQuery } from '@/api/accounts'
import { Unreachable } from '@/api/errors'
import type { RequestDetail } from '@/api/types'
import { ExchangeFigures } from '@/components/reply/figures'
import { dialectOf } from '@/components/reply/reply'
import { ReplyView } from '@/components/reply/reply-view'
import { useExchange } from '@/components/reply/use-exchange'
import { usePhone } from '@/components/use-phone'
import { namesWith } from './preview-dialog'
import classes from './requests.module.css'

interface ReplayDialogProps {
  request: RequestDetail
  onClose: () => void
}

/** Sends a stored request once more, on an account of choice, and shows what comes of it. */
export function ReplayDialog({ request, onClose }: ReplayDialogProps) {
  const { t } = useTranslation(['requests', 'common'])
  const phone = usePhone()
  const accounts = useQuery(everyAccountQuery)
  const [account, setAccount] = useState(request.account)
  const { exchange, error, send, stop } = useExchange()
  const running = exchange?.running ?? false

  const start = () => {
    const path = `/admin/requests/${request.id}/replay`
    // What it throws is in `error`.
    send({ path, body: { account }, dialect: dialectOf(request.route) }).catch(() => {})
  }
  return (
    <Modal
      opened
      size="xl"
      fullScreen={phone}
      title={t('replay.title')}
      onClose={onClose}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('common:action.close') }}
    >
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {t('replay.hint')}
        </Text>
        <Group align="flex-end">
          <Select
            label={t('replay.account')}
            data={namesWith(accounts.data, account)}
            searchable
            allowDeselect={false}
            value={account}
            onChange={setAccount}
            disabled={running}
            flex="1 1 12rem"
          />
          {running ? (
            <Button variant="default" onClick={stop}>
              {t('replay.stop')}
            </Button>
          ) : (
            <Button onClick={start} disabled={!account}>
              {exchange ? t('replay.again') : t('replay.start')}
            </Button>
          )}
        </Group>
        {error && (
          <Alert color="red" role="alert">
            {error instanceof Unreachable ? t('common:state.unreachable') : error.message}
          </Alert>
        )}
        {exchange && (
          <>
            <ReplyView reply={exchange.reply} running={running} />
            <ExchangeFigures exchange={exchange} />
            {!running && exchange.requestId && (
              <Link
                to="/requests/$id"
                params={{ id: exchange.requestId }}
                className={classes.link}
                onClick={onClose}
              >
                {t('replay.logged')}
              </Link>
            )}
          </>
        )}
      </Stack>
    </Modal>
  )
}
