import { OPTIONS } from '../../../core/config/options.ts'
import { endpointVerifier } from '../../../verifiers/endpoint-verifier.ts'
import { serviceUrl } from '../../../verifiers/options.ts'
import { present, providerType } from './provider.ts'
import type { Given, ProviderType, Tools } from './provider.ts'

interface CustomKeys {
  readonly endpoint: string
  readonly endpointHeaders: Readonly<Record<string, string>>
  readonly tenantField: string
}

/** An auth endpoint among several providers. A single one is the option `endpoint`. */
export const CUSTOM: ProviderType = providerType<CustomKeys>(
  {
    endpoint: serviceUrl,
    endpointHeaders: OPTIONS.endpointHeaders,
    tenantField: OPTIONS.tenantField,
  },
  ({ endpoint, ...keys }: Given<CustomKeys>, { forEndpoint, allowInsecureHttp }: Tools) => {
    if (endpoint === undefined) return undefined
    const identity = 'required' as const
    const options = present({ identity, ...forEndpoint, ...keys, endpoint, allowInsecureHttp })
    return { part: { verifier: endpointVerifier(options) } }
  },
)
