const PREFIX = '#link='

/**
 * The token of a one-time link, taken out of the address so that it is in no history and no
 * bookmark. Browsers send what follows the # to nobody.
 */
export function takeLink(location: Location, history: History): string | null {
  if (!location.hash.startsWith(PREFIX)) return null
  const token = location.hash.slice(PREFIX.length)
  history.replaceState(history.state, '', location.pathname + location.search)
  return token || null
}
