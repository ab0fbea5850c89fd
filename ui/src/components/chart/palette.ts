/** Colours of lines, apart from each other also for those who see red and green alike. */
const LIGHT = [
  '#3b5bdb',
  '#d9480f',
  '#0b8a8f',
  '#b8860b',
  '#a23b9c',
  '#5c6f82',
  '#2f9e44',
  '#c2255c',
]
const DARK = [
  '#8ea6ff',
  '#ff9a62',
  '#4fd1cf',
  '#f0c35a',
  '#e091dc',
  '#a3b2c2',
  '#74d68a',
  '#ff86ac',
]

export type Scheme = 'light' | 'dark'

export function lineColour(place: number, scheme: Scheme): string {
  const palette = scheme === 'dark' ? DARK : LIGHT
  return palette[place % palette.length] ?? '#888888'
}
