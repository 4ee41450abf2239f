/**
 * Verifiers: who is calling, by services that are no auth endpoint. Needs no package.
 *
 * @module with-auth/verifiers
 */
import { endpointVerifier } from './verifiers/endpoint-verifier.ts'
import { firstOf } from './verifiers/first-of/first-of.ts'
import { introspection } from './verifiers/introspection/introspection.ts'
import type { EndpointVerifierOptions } from './verifiers/endpoint-verifier.ts'
import type { FirstOfOptions } from './verifiers/first-of/options.ts'
import type { IntrospectionClient } from './verifiers/introspection/client.ts'
import type { IntrospectionOptions } from './verifiers/introspection/options.ts'

export { endpointVerifier, firstOf, introspection }
export type { EndpointVerifierOptions, FirstOfOptions, IntrospectionClient, IntrospectionOptions }
