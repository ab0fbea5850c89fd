import createClient from 'openapi-fetch'
import { noteConnection } from './connection'
import { errorOf, Unreachable } from './errors'
import type { paths } from './schema'

/**
 * The gateway's API with the types of its OpenAPI document. The session is a cookie, so nothing
 * has to be added. Calls go through `send`, which turns every failure into an error.
 */
export const api = createClient<paths>({ fetch: reach })

export async function reach(request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    noteConnection('reached')
    return response
  } catch (cause) {
    if (request.signal.aborted) throw cause
    noteConnection('lost')
    throw new Unreachable('The gateway does not answer.', { cause })
  }
}

interface Outcome<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** What is answered as JSON, whatever else an operation can answer. */
type Json<Data> = Exclude<NonNullable<Data>, string>

/** Throws ApiError for an answer above 399, Unreachable for none. */
export async function send<Data>(call: Promise<Outcome<Data>>): Promise<Json<Data>> {
  const { data, error, response } = await call
  if (data === undefined || data === null) throw errorOf(error, response)
  return data as Json<Data>
}
