import { useMediaQuery } from '@mantine/hooks'

/** The same width as in the style sheets: below it everything is in one column. */
export const PHONE = '(max-width: 47.99em)'

export function usePhone(): boolean {
  return useMediaQuery(PHONE, false, { getInitialValueInEffect: false })
}
