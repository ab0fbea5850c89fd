import { lazyDialog } from '@/components/dialog/lazy-dialog'

const load = () => import('./key-dialogs')

export const CreateKey = lazyDialog(() => load().then(({ CreateKey }) => CreateKey))
export const ChangeKey = lazyDialog(() => load().then(({ ChangeKey }) => ChangeKey))
export const RotateKey = lazyDialog(() => load().then(({ RotateKey }) => RotateKey))
export const SwitchKey = lazyDialog(() => load().then(({ SwitchKey }) => SwitchKey))
export const DeleteKey = lazyDialog(() => load().then(({ DeleteKey }) => DeleteKey))
