/**
 * Verifiers: who is calling, by services that are no auth endpoint. Needs no package.
 *
 * @module with-auth/verifiers
 */
import { introspection } from './verifiers/introspection/introspection.ts'
import type { IntrospectionClient } from './verifiers/introspection/client.ts'
import type { IntrospectionOptions } from './verifiers/introspection/options.ts'

export { introspection }
export type { IntrospectionClient, IntrospectionOptions }
