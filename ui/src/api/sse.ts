export interface ServerEvent {
  /** `message` where the stream names none. */
  event: string
  data: string
}

/**
 * Takes a stream of server-sent events apart, whatever pieces it comes in. Of the format only what
 * APIs send: `event`, `data`, comments; line ends of one kind or another.
 */
export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []

  /** The events that end in this piece of text. */
  feed(text: string): ServerEvent[] {
    const found: ServerEvent[] = []
    // A carriage return at the end may be half of a line end.
    const [, whole = '', rest = ''] = /^(.*(?:\n|\r(?=.)))?(.*)$/s.exec(this.#rest + text) ?? []
    this.#rest = rest
    for (const line of whole.split(/\r\n|\n|\r/).slice(0, -1)) {
      if (line === '') found.push(...this.#end())
      else this.#read(line)
    }
    return found
  }

  #read(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'event') this.#event = value
    else if (name === 'data') this.#data.push(value)
  }

  #end(): ServerEvent[] {
    const event = { event: this.#event || 'message', data: this.#data.join('\n') }
    const empty = this.#data.length === 0
    this.#event = ''
    this.#data = []
    return empty ? [] : [event]
  }
}

/** The events of an answer, as they arrive. Throws what reading throws: the connection broke. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.body) return
  const parser = new EventParser()
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parser.feed(decoder.decode(value, { stream: true }))
    }
  } finally {
    reader.releaseLock()
  }
}
