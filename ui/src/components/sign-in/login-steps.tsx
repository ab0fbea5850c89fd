import { Alert, Button, Group, Loader, Text } from '@mantine/core'
import { IconExternalLink } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Unreachable } from '@/api/errors'
import type { Login } from '@/api/types'
import { CopyButton } from '../copy-button'
import { Countdown } from './countdown'
import type { Again } from './login-view'
import { isHttp } from './new-tab'
import { PasteAddress } from './paste-address'
import { ProfileChoice } from './profile-choice'
import { useCancel } from './sign-in-api'
import classes from './sign-in.module.css'
import type { Way } from './ways'

interface LoginStepsProps {
  login: Login
  behind: number
  way: Way | null
  /** The gateway did not answer when it was asked last. */
  unseen: boolean
  onLeft: Again
}

/** A sign-in that waits for somebody: for what, until when, and how to end it. */
export function LoginSteps({ login, behind, way, unseen, onLeft }: LoginStepsProps) {
  const { t } = useTranslation(['sign-in', 'common'])
  const cancel = useCancel(login.id)
  const giveUp = async () => {
    await cancel.mutateAsync()
    // Found going on, it has no form to go back to.
    onLeft(way ? 'form' : 'choice')
  }
  const why =
    cancel.error instanceof Unreachable ? t('common:state.unreachable') : cancel.error?.message
  return (
    <div className={classes.stack}>
      <div role="status" className={classes.waiting}>
        <Text fw={600} className={classes.waitingTitle}>
          {titleOf(login, t)}
          {login.step !== 'profile' && <Loader size="sm" aria-hidden />}
        </Text>
        <Text size="sm" c="dimmed" maw="62ch">
          {hintOf(login, way, t)}
        </Text>
      </div>
      <Step key={login.step} login={login} />
      {unseen && <Alert color="orange">{t('wait.unseen')}</Alert>}
      {why && (
        <Alert color="red" role="alert">
          {t('wait.cancelFailed', { why })}
        </Alert>
      )}
      {login.step !== 'finishing' && (
        <div className={classes.foot}>
          <Countdown until={login.expires_at} behind={behind} />
          <span className={classes.goesOn}>{t('wait.goesOn')}</span>
          <Button
            variant="default"
            size="xs"
            loading={cancel.isPending}
            onClick={() => void giveUp().catch(() => {})}
          >
            {t('wait.cancel')}
          </Button>
        </div>
      )}
    </div>
  )
}

function Step({ login }: { login: Login }) {
  const { t } = useTranslation('sign-in')
  switch (login.step) {
    case 'browser':
      return (
        <>
          <PageLink address={login.auth_url ?? ''} label={t('wait.openAgain')} />
          <PasteAddress login={login} awaited="loopback" opened={login.auth_url ?? ''} />
        </>
      )
    case 'device': {
      const code = login.user_code ?? ''
      return (
        <>
          <div className={classes.codeBox}>
            <code className={classes.code} aria-label={t('wait.code')}>
              {code}
            </code>
            <CopyButton text={code} label={t('wait.code')} wide />
          </div>
          <PageLink
            address={login.verification_uri_complete ?? ''}
            label={t('wait.openPage')}
            main
          />
        </>
      )
    }
    case 'identity_provider':
      return (
        <>
          <PageLink address={login.provider_url ?? ''} label={t('wait.openProvider')} main />
          <PasteAddress login={login} awaited="kiro" opened={login.provider_url ?? ''} />
        </>
      )
    case 'profile':
      return <ProfileChoice login={login} />
    default:
      return null
  }
}

interface PageLinkProps {
  address: string
  label: string
  /** What to do now, not only if something went wrong. */
  main?: boolean
}

/** Opens a page elsewhere; it gets no hold on this one. Or take its address to another computer. */
function PageLink({ address, label, main }: PageLinkProps) {
  const { t } = useTranslation('sign-in')
  if (!isHttp(address)) return null
  return (
    <Group gap="xs">
      <Button
        component="a"
        href={address}
        target="_blank"
        rel="noopener noreferrer"
        variant={main ? 'filled' : 'default'}
        rightSection={<IconExternalLink size={16} aria-hidden />}
      >
        {label}
      </Button>
      <CopyButton
        text={address}
        label={t('wait.pageAddress')}
        caption={t('wait.copyAddress')}
        wide
      />
    </Group>
  )
}

type Translate = ReturnType<typeof useTranslation<['sign-in', 'common']>>['t']

function titleOf({ step }: Login, t: Translate): string {
  switch (step) {
    case 'browser':
      return t('wait.browser')
    case 'device':
      return t('wait.device')
    case 'identity_provider':
      return t('wait.provider')
    case 'profile':
      return t('wait.profile')
    default:
      return t('wait.finishing')
  }
}

function hintOf({ step }: Login, way: Way | null, t: Translate): string {
  switch (step) {
    case 'browser':
      return way === 'external' ? t('wait.externalHint') : t('wait.browserHint')
    case 'device':
      return t('wait.deviceHint')
    case 'identity_provider':
      return t('wait.providerHint')
    case 'profile':
      return t('wait.profileHint')
    default:
      return t('wait.finishingHint')
  }
}
