import {
  IconChartBar,
  IconFlask,
  IconKey,
  IconLayoutDashboard,
  IconListDetails,
  IconSettings,
  IconUserBolt,
  type TablerIcon,
} from '@tabler/icons-react'
import type { Catalogues } from '@/locales/catalogue'

interface PageEntry {
  path: '/overview' | '/accounts' | '/keys' | '/usage' | '/requests' | '/playground' | '/settings'
  label: `page.${keyof Catalogues['shell']['page']}`
  icon: TablerIcon
}

/** What is in the navigation, in this order; the first one is where people start. */
export const PAGES: readonly PageEntry[] = [
  { path: '/overview', label: 'page.overview', icon: IconLayoutDashboard },
  { path: '/accounts', label: 'page.accounts', icon: IconUserBolt },
  { path: '/keys', label: 'page.keys', icon: IconKey },
  { path: '/usage', label: 'page.usage', icon: IconChartBar },
  { path: '/requests', label: 'page.requests', icon: IconListDetails },
  { path: '/playground', label: 'page.playground', icon: IconFlask },
  { path: '/settings', label: 'page.settings', icon: IconSettings },
]
