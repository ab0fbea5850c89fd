import { lazyDialog } from '../dialog/lazy-dialog'

/** Signs an account in; `/ui/accounts/{id}/sign-in` is the same as a page. */
export const SignInDialog = lazyDialog(async () => (await import('./sign-in-modal')).SignInModal)
