import { API_KEYS } from './kinds/api-keys.ts'
import { CUSTOM } from './kinds/custom.ts'
import { LOCAL_KEYS } from './kinds/local-keys.ts'
import { OAUTH2 } from './kinds/oauth2.ts'
import { GITHUB } from './kinds/github.ts'
import { KUBERNETES } from './kinds/kubernetes.ts'
import { UPSTREAM } from './kinds/upstream.ts'
import type { ProviderType } from './kinds/provider.ts'

/** The types of providers of OGX, and `api_keys`, which is of this package alone. A map, because an object would also have `constructor`. */
export const PROVIDER_TYPES: ReadonlyMap<unknown, ProviderType> = new Map([
  ['custom', CUSTOM],
  ['oauth2_token', OAUTH2],
  ['github_token', GITHUB],
  ['kubernetes', KUBERNETES],
  ['upstream_header', UPSTREAM],
  ['local_api_key', LOCAL_KEYS],
  ['api_keys', API_KEYS],
])
