import { CUSTOM } from './custom.ts'
import { LOCAL_KEYS } from './local-keys.ts'
import { OAUTH2 } from './oauth2.ts'
import { UPSTREAM } from './upstream.ts'
import type { ProviderType } from './provider.ts'

/** The types of providers of OGX. Not by an object's own names: a caller's text such as `constructor` is no type. */
export const PROVIDER_TYPES: ReadonlyMap<unknown, ProviderType> = new Map([
  ['custom', CUSTOM],
  ['oauth2_token', OAUTH2],
  ['upstream_header', UPSTREAM],
  ['local_api_key', LOCAL_KEYS],
])
