import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/api/types'
import { useChangeAccount, useRenewToken } from './accounts-api'
import { ChangeAccount, TestAccount } from './dialogs'
import { remediesOf, type Remedy } from './health'
import { Problem } from './problem'
import { SignInAccount } from './sign-in-account'

/** What can be done about an account's state, right where it is told. */
export function RemedyButtons({ account }: { account: Account }) {
  const { t } = useTranslation('accounts')
  const change = useChangeAccount(account.id)
  const renew = useRenewToken(account.id)
  const [dialog, setDialog] = useState<Remedy | null>(null)
  const close = () => setDialog(null)
  const doing = { enable: change.isPending, renew: renew.isPending }
  const press = (remedy: Remedy) => {
    if (remedy === 'enable') change.mutate({ enabled: true })
    else if (remedy === 'renew') renew.mutate()
    else setDialog(remedy)
  }
  return (
    <>
      {remediesOf(account.health.state).map((remedy) => (
        <Button
          key={remedy}
          size="xs"
          variant="default"
          loading={doing[remedy as 'enable' | 'renew'] ?? false}
          aria-label={`${t(`remedy.${remedy}`)}: ${account.name}`}
          onClick={() => press(remedy)}
        >
          {t(`remedy.${remedy}`)}
        </Button>
      ))}
      <Problem error={change.error ?? renew.error} />
      {dialog === 'profile' && <ChangeAccount account={account} onClose={close} />}
      {dialog === 'signIn' && <SignInAccount account={account} onClose={close} />}
      {dialog === 'test' && <TestAccount account={account} onClose={close} />}
    </>
  )
}
