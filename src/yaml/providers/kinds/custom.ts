import { ENDPOINT_HEADERS } from '../../../core/config/endpoint-headers.ts'
import { TENANT_FIELD } from '../../../verifiers/tenancy.ts'
import { endpointVerifier } from '../../../verifiers/endpoint-verifier.ts'
import { SERVICE_URL } from '../../../verifiers/options.ts'
import { present, providerType } from './provider.ts'
import type { Given, ProviderType, Tools } from './provider.ts'

interface CustomKeys {
  readonly endpoint: string
  readonly endpointHeaders: Readonly<Record<string, string>>
  readonly tenantField: string | undefined
}

/** An auth endpoint among several providers. A single one is the option `endpoint`. */
export const CUSTOM: ProviderType = providerType<CustomKeys>(
  {
    endpoint: SERVICE_URL,
    endpointHeaders: ENDPOINT_HEADERS,
    tenantField: TENANT_FIELD,
  },
  (
    { endpoint, ...keys }: Given<CustomKeys>,
    { forEndpoint, allowInsecureHttp, watched }: Tools,
  ) => {
    if (endpoint === undefined) return undefined
    const identity = 'required' as const
    const fetch = watched(undefined)
    const given = { identity, ...forEndpoint, ...keys, endpoint, allowInsecureHttp, fetch }
    const options = present(given)
    return { part: { verifier: endpointVerifier(options) } }
  },
)
