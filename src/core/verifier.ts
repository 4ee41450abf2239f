import { createCustomVerifier } from './custom-verifier.ts'
import { createEndpoint } from './endpoint.ts'
import { deadline } from './policies/deadline.ts'
import type { TimedVerifier, Verifier } from './check.ts'
import type { ResolvedConfig } from './config.ts'

/** Composes the policies around the endpoint, or around the verifier in its place. */
export function createVerifier(config: ResolvedConfig, endpoint: string | undefined): Verifier {
  return deadline(createSource(config, endpoint), config)
}

function createSource(config: ResolvedConfig, endpoint: string | undefined): TimedVerifier {
  const { verifier, identity, endpointHeaders, transport } = config
  if (verifier !== undefined) return createCustomVerifier(verifier, identity)
  if (endpoint === undefined) throw new TypeError('There is neither an endpoint nor a verifier')
  return createEndpoint({ url: endpoint, headers: endpointHeaders, identity, transport })
}
