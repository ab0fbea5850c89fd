import { useQueryClient } from '@tanstack/react-query'
import type { Account } from '@/api/types'
import { SignInDialog } from '@/components/sign-in/sign-in-dialog'

/** The sign-in wizard; afterwards everything about the account is asked anew. */
export function SignInAccount({ account, onClose }: { account: Account; onClose: () => void }) {
  const client = useQueryClient()
  const close = () => {
    onClose()
    void client.invalidateQueries({ queryKey: ['accounts'] })
    void client.invalidateQueries({ queryKey: ['models', account.id] })
  }
  return <SignInDialog account={account} onClose={close} onDone={close} />
}
