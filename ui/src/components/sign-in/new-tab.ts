/**
 * An empty tab that is led somewhere later, or closed. Browsers let pages open one only while a
 * press is being handled, which is before the gateway has answered. Without one (a blocker) there
 * is still the button of the page.
 */
export function reserveTab(): { lead: (address: string | undefined) => void } {
  const tab = window.open('', '_blank')
  return {
    lead: (address) => {
      if (!tab || tab.closed) return
      if (address === undefined || !isHttp(address)) return tab.close()
      // What is opened must not be able to lead this page elsewhere.
      tab.opener = null
      tab.location.replace(address)
    },
  }
}

/** Addresses come from the gateway and, through it, from an organisation's provider. */
export function isHttp(address: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(address).protocol)
  } catch {
    return false
  }
}
