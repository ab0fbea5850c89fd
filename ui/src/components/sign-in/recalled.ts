const STORED_AS = 'kiro-gateway-organisation'

interface Organisation {
  start_url: string
  idc_region: string
}

/** A team signs in many accounts at one organisation, so its address is typed once. */
export function recalledOrganisation(): Organisation {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? '')
    if (isOrganisation(stored))
      return { start_url: stored.start_url, idc_region: stored.idc_region }
  } catch {
    // Nothing was kept, or something else.
  }
  return { start_url: '', idc_region: 'us-east-1' }
}

export function recallOrganisation({ start_url, idc_region }: Organisation): void {
  localStorage.setItem(STORED_AS, JSON.stringify({ start_url, idc_region }))
}

function isOrganisation(value: unknown): value is Organisation {
  if (typeof value !== 'object' || value === null) return false
  return (
    'start_url' in value &&
    typeof value.start_url === 'string' &&
    'idc_region' in value &&
    typeof value.idc_region === 'string'
  )
}
