import { describe, expect, it } from 'vitest'
import { serveHandler } from '../support/guarded-server.ts'
import {
  EXCHANGE,
  INTROSPECTION,
  KEYCLOAK,
  KUBERNETES,
  POLICIES,
  PROVIDERS,
} from './differences.ts'
import { replayExchange } from './exchange.ts'
import { replayIntrospection } from './introspection.ts'
import { replayKubernetes } from './kubernetes.ts'
import { replayHydra } from './hydra.ts'
import { replayKeycloak } from './keycloak.ts'
import { replayPolicies } from './policies.ts'
import { replayProviders } from './providers.ts'
import { replayOauth2Proxy, replaySubrequests } from './proxies.ts'
import type { Decided } from './differences.ts'
import type { Case } from './recording.ts'

const REPLAYS: readonly (readonly [string, () => Promise<Case[]>, readonly Decided[], number])[] = [
  ['requests to Llama Stack 0.7.3', () => replayExchange(serveHandler), EXCHANGE, 1_100],
  ['route policies of OGX 1.5.0', replayPolicies, POLICIES, 8_000],
  ['tokens of Llama Stack 0.7.3', replayProviders, PROVIDERS, 148],
  ['tokens of kube-apiserver 1.36.3', replayKubernetes, KUBERNETES, 80],
  ['tokens of Keycloak 26.7.3', replayKeycloak, KEYCLOAK, 70],
  ['tokens of Ory Hydra 2.3.0', replayHydra, [], 18],
  ['callers behind oauth2-proxy 7.15.6', replayOauth2Proxy, [], 6],
  ['subrequests of four proxies', replaySubrequests, [], 140],
  ['introspection by Keycloak, Hydra and zitadel/oidc', replayIntrospection, INTROSPECTION, 85],
]

describe.each(REPLAYS)('%s', (_, replay, decided, least) => {
  it('are decided alike, but for what was decided on purpose', { timeout: 120_000 }, async () => {
    const cases = await replay()
    const differences = cases.filter(({ recorded, ours }) => recorded !== ours)
    const isDecided = (one: Case): boolean => decided.some(({ covers }) => covers(one))
    expect(cases.length).toBeGreaterThan(least)
    expect(differences.filter((one) => !isDecided(one))).toEqual([])
    // A row that nothing needs any more would hide a difference that comes later.
    expect(decided.filter(({ covers }) => !differences.some(covers))).toEqual([])
  })
})
