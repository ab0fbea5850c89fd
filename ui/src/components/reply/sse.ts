/** One server-sent event. */
export interface WireEvent {
  event: string
  data: string
}

/**
 * Turns text, cut anywhere, into server-sent events. Comments, as pings are, come as events named
 * ":" so that they can be shown.
 */
export class SseParser {
  private rest = ''
  private event = ''
  private data: string[] = []

  feed(text: string): WireEvent[] {
    const found: WireEvent[] = []
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.take(line.replace(/\r$/, ''), found)
    return found
  }

  private take(line: string, found: WireEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) found.push({ event: this.event, data: this.data.join('\n') })
      this.event = ''
      this.data = []
    } else if (line.startsWith(':')) {
      found.push({ event: ':', data: line.slice(1).trim() })
    } else {
      const colon = line.indexOf(':')
      const name = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (name === 'event') this.event = value
      if (name === 'data') this.data.push(value)
    }
  }
}
