import {
  ActionIcon,
  Badge,
  createTheme,
  Drawer,
  Loader,
  Menu,
  Modal,
  Tooltip,
  type CSSVariablesResolver,
} from '@mantine/core'

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC", ' +
  '"Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
const MONOSPACE =
  'ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

/** Colours are chosen so that text on each of them keeps a contrast of 4.5. */
export const theme = createTheme({
  fontFamily: FONT,
  fontFamilyMonospace: MONOSPACE,
  headings: { fontFamily: FONT, fontWeight: '620' },
  primaryColor: 'indigo',
  primaryShade: 6,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  colors: {
    gray: [
      '#f7f8fa',
      '#f0f2f5',
      '#e5e8ed',
      '#d5dae1',
      '#bec5cf',
      '#97a1af',
      '#677282',
      '#4a5463',
      '#313a47',
      '#1b222c',
    ],
    dark: [
      '#d5dae2',
      '#aab3c0',
      '#8d97a6',
      '#5f6a7a',
      '#343d4a',
      '#29313c',
      '#1d242d',
      '#12171e',
      '#0d1116',
      '#090c10',
    ],
    indigo: [
      '#eef2ff',
      '#dfe6fd',
      '#bccaf8',
      '#94abf2',
      '#7590ec',
      '#5778e4',
      '#4161d8',
      '#3350bd',
      '#28409a',
      '#1d2f73',
    ],
  },
  components: {
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', color: 'gray' } }),
    Badge: Badge.extend({ defaultProps: { radius: 'sm', variant: 'light' } }),
    Drawer: Drawer.extend({ defaultProps: { overlayProps: { backgroundOpacity: 0.45 } } }),
    Loader: Loader.extend({ defaultProps: { type: 'dots' } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', position: 'bottom-end' } }),
    Modal: Modal.extend({
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } },
    }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, withArrow: true } }),
  },
})

/** The few colours of our own, in both schemes; style sheets use them as var(--ui-…). */
export const cssVariables: CSSVariablesResolver = (resolved) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': resolved.colors.gray[7],
    '--mantine-color-placeholder': resolved.colors.gray[6],
    '--mantine-color-body': resolved.colors.gray[0],
    '--mantine-color-error': '#c02b2b',
    '--ui-surface': '#ffffff',
    '--ui-surface-sunken': resolved.colors.gray[1],
    '--ui-line': resolved.colors.gray[2],
    '--ui-hover': '#f3f5f9',
    '--ui-selected': resolved.colors.indigo[0],
    '--ui-ok': '#1a7f4b',
    '--ui-warn': '#9a5b00',
    '--ui-bad': '#c02b2b',
    '--ui-info': resolved.colors.indigo[7],
    '--ui-off': resolved.colors.gray[6],
  },
  dark: {
    '--mantine-color-dimmed': resolved.colors.dark[1],
    '--mantine-color-placeholder': resolved.colors.dark[2],
    '--mantine-color-error': '#f28b82',
    '--mantine-color-anchor': resolved.colors.indigo[3],
    '--ui-surface': '#181e27',
    '--ui-surface-sunken': resolved.colors.dark[8],
    '--ui-line': '#28303b',
    '--ui-hover': '#1e2630',
    '--ui-selected': '#232d45',
    '--ui-ok': '#54c48a',
    '--ui-warn': '#e0a64a',
    '--ui-bad': '#f28b82',
    '--ui-info': resolved.colors.indigo[3],
    '--ui-off': resolved.colors.dark[2],
  },
})
