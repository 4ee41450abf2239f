/**
 * Verifiers that ask services other than an auth endpoint who is calling. Needs no package.
 *
 * @module with-auth/verifiers
 */
import { defineVerifier } from './verifiers/define-verifier.ts'
import { endpointVerifier } from './verifiers/endpoint-verifier.ts'
import { firstOf } from './verifiers/first-of/first-of.ts'
import { githubToken } from './verifiers/github/github-token.ts'
import { introspection } from './verifiers/introspection/introspection.ts'
import { kubernetesToken } from './verifiers/kubernetes/kubernetes-token.ts'
import { tenancy } from './verifiers/tenancy.ts'
import { fromUpstream } from './verifiers/upstream/from-upstream.ts'
import type { VerifierDefinition } from './verifiers/define-verifier.ts'
import type { EndpointVerifierOptions } from './verifiers/endpoint-verifier.ts'
import type { FirstOfOptions } from './verifiers/first-of/options.ts'
import type { GithubApp, GithubTokenOptions } from './verifiers/github/options.ts'
import type { IntrospectionClient } from './verifiers/introspection/client.ts'
import type { IntrospectionOptions } from './verifiers/introspection/options.ts'
import type { KubernetesTokenOptions } from './verifiers/kubernetes/options.ts'
import type { TenancyOptions } from './verifiers/tenancy.ts'
import type { AttributeHeaderForm } from './verifiers/upstream/attribute-headers.ts'
import type { UpstreamConfig } from './verifiers/upstream/from-upstream.ts'
import type { UpstreamOptions } from './verifiers/upstream/options.ts'
import type { UpstreamProof } from './verifiers/upstream/proof-options.ts'

export { defineVerifier, endpointVerifier, firstOf, fromUpstream }
export { githubToken, introspection, kubernetesToken, tenancy }
export type { TenancyOptions, VerifierDefinition }
export type { EndpointVerifierOptions, FirstOfOptions }
export type { GithubApp, GithubTokenOptions }
export type { IntrospectionClient, IntrospectionOptions }
export type { KubernetesTokenOptions }
export type { AttributeHeaderForm, UpstreamConfig, UpstreamOptions, UpstreamProof }
