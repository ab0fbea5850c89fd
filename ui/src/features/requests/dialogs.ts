import { lazyDialog } from '@/components/dialog/lazy-dialog'

export const PreviewDialog = lazyDialog(
  async () => (await import('./preview-dialog')).PreviewDialog,
)
export const ReplayDialog = lazyDialog(async () => (await import('./replay-dialog')).ReplayDialog)
