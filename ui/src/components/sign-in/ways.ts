/** The ways into an account, as people tell them apart; Kiro's page is behind two of them. */
export const WAYS = ['portal', 'external', 'builder', 'organisation', 'import', 'key'] as const
export type Way = (typeof WAYS)[number]

export const GROUPS = [
  { id: 'browser', ways: ['portal', 'external'] },
  { id: 'code', ways: ['builder', 'organisation'] },
  { id: 'direct', ways: ['import', 'key'] },
] as const satisfies readonly { id: string; ways: readonly Way[] }[]

/** What is typed on the way; names are the API's where it has them. */
export interface SignInValues {
  /** To come back to at the end; empty: a free one. */
  port: number | string
  start_url: string
  idc_region: string
  api_key: string
  /** Which place to import from; empty: wherever a sign-in is that lasts longest. */
  db_path: string
}

/** Where IAM Identity Center is; another one may be typed. */
export const REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'ap-east-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'il-central-1',
  'me-south-1',
  'af-south-1',
] as const

const REGION = /^[a-z]{2,}(-[a-z]+)+-\d+$/
const LAST_PORT = 65_535

export type ProblemKey = 'required' | 'port' | 'startUrl' | 'region' | 'spaces'
export type Problems = Partial<Record<keyof SignInValues, ProblemKey>>

/** What is wrong with what was typed, before anything is sent. */
export function problemsOf(values: SignInValues, way: Way): Problems {
  const problems: Problems = {}
  if (way === 'portal' || way === 'external') {
    const port = values.port === '' ? 1 : Number(values.port)
    if (!(Number.isInteger(port) && port >= 1 && port <= LAST_PORT)) problems.port = 'port'
  }
  if (way === 'organisation') {
    const url = values.start_url.trim()
    if (!url) problems.start_url = 'required'
    else if (!isHttps(url)) problems.start_url = 'startUrl'
    const region = values.idc_region.trim().toLowerCase()
    if (!region) problems.idc_region = 'required'
    else if (!REGION.test(region)) problems.idc_region = 'region'
  }
  if (way === 'key') {
    const key = values.api_key.trim()
    if (!key) problems.api_key = 'required'
    else if (!/^[!-~]+$/.test(key)) problems.api_key = 'spaces'
  }
  return problems
}

function isHttps(text: string): boolean {
  try {
    return new URL(text).protocol === 'https:'
  } catch {
    return false
  }
}

/** Whether this browser runs on the gateway's machine, as far as its address tells. */
export function isLocal(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\]|.+\.localhost)$/.test(hostname)
}
