import type { components } from './schema'

type Schemas = components['schemas']

export type ApiKey = Schemas['KeyObject']
export type NewApiKey = Schemas['NewKey']
export type ApiKeyChange = Schemas['KeyChange']
export type Account = Schemas['AccountObject']
export type UsageSums = Schemas['UsageSums']
export type LimitStanding = Schemas['LimitStanding']
export type OwnUsage = Schemas['OwnUsage']
