import { lazyDialog } from '@/components/dialog/lazy-dialog'

const load = () => import('./notification-dialogs')

export const RulesDialog = lazyDialog(() => load().then(({ RulesDialog }) => RulesDialog))
export const ChannelDialog = lazyDialog(() => load().then(({ ChannelDialog }) => ChannelDialog))
export const ResetDialog = lazyDialog(() => load().then(({ ResetDialog }) => ResetDialog))
export const DeleteChannelDialog = lazyDialog(() =>
  load().then(({ DeleteChannelDialog }) => DeleteChannelDialog),
)
