export type AddressProblem = 'required' | 'notAnAddress' | 'otherStep' | 'noState' | 'foreignState'

/** What a step waits for: an address of this machine, or one that begins with kiro:// */
export type Awaited = 'loopback' | 'kiro'

/** One of these is in every answer. */
const ANSWERS = ['code', 'error', 'login_option', 'loginOption', 'issuer_url', 'issuerUrl']

/**
 * What keeps a pasted address from being the answer to the page that was opened; null when nothing
 * does. The gateway judges by itself; this only says earlier, and in the page's language, what it
 * would say.
 */
export function problemOfAddress(
  pasted: string,
  awaited: Awaited,
  /** The address of the page that was opened: its `state` has to come back. */
  opened: string,
): AddressProblem | null {
  const text = bare(pasted)
  if (!text) return 'required'
  const url = parsed(text)
  const kind = url && kindOf(url)
  if (!url || !kind || !ANSWERS.some((name) => url.searchParams.has(name))) return 'notAnAddress'
  const state = url.searchParams.get('state')
  if (!state) return 'noState'
  if (kind !== awaited) return 'otherStep'
  const expected = parsed(opened)?.searchParams.get('state')
  return expected && state.trim() !== expected ? 'foreignState' : null
}

/** Without the quotes and brackets that are copied along. */
export function bare(text: string): string {
  return text.trim().replace(/^[<>"'\s]+|[<>"'\s]+$/g, '')
}

function parsed(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

function kindOf(url: URL): Awaited | null {
  if (url.protocol === 'kiro:' && url.host === 'kiro.oauth') return 'kiro'
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  return url.protocol === 'http:' && loopback ? 'loopback' : null
}
