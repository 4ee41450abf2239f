import { OPTIONS } from '../../../core/config/options.ts'
import { endpointVerifier } from '../../../verifiers/endpoint-verifier.ts'
import { serviceUrl } from '../../../verifiers/options.ts'
import { providerType } from './provider.ts'
import type { Made, ProviderType, Tools } from './provider.ts'

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
  (keys: CustomKeys, { forEndpoint, allowInsecureHttp }: Tools): Made => ({
    part: { verifier: endpointVerifier({ ...forEndpoint, ...keys, allowInsecureHttp }) },
  }),
)
