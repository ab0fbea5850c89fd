import { lazyDialog } from '@/components/dialog/lazy-dialog'

const load = () => import('./account-dialogs')

export const AddAccount = lazyDialog(() => load().then(({ AddAccount }) => AddAccount))
export const ChangeAccount = lazyDialog(() => load().then(({ ChangeAccount }) => ChangeAccount))
export const SwitchAccount = lazyDialog(() => load().then(({ SwitchAccount }) => SwitchAccount))
export const DeleteAccount = lazyDialog(() => load().then(({ DeleteAccount }) => DeleteAccount))
export const TestAccount = lazyDialog(() => load().then(({ TestAccount }) => TestAccount))
