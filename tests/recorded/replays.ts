import {
  ENDPOINT,
  EXCHANGE,
  INTROSPECTION,
  KEYCLOAK,
  KUBERNETES,
  POLICIES,
  PROVIDERS,
  SECTIONS,
} from './differences.ts'
import { replayEndpoint } from './endpoint.ts'
import { replayExchange } from './exchange.ts'
import { replayIntrospection } from './introspection.ts'
import { replayHydra, replayKeycloak } from './issuers.ts'
import { replayKubernetes } from './kubernetes.ts'
import { replayPolicies } from './policies.ts'
import { replayProviders } from './providers.ts'
import { replaySubrequests } from './proxies.ts'
import { replaySections } from './sections.ts'
import { SERVERS } from './versions.ts'
import type { Decided } from './differences.ts'
import type { Case, Serve } from './recording.ts'

export interface Replay {
  readonly name: string
  /** The server that was recorded. */
  readonly server: string
  /** With `every`, only each `every`th file of a long recording that is the same on every runtime. */
  readonly replay: (serve: Serve, every?: number) => Promise<Case[]>
  readonly decided: readonly Decided[]
  /** The least number of cases. */
  readonly least: number
}

const { llamaStack, ogx, keycloak, hydra, zitadel, kubernetes } = SERVERS
const { traefik, caddy, haproxy } = SERVERS
const oauth = [keycloak, hydra, zitadel].join(', ')
const proxies = [traefik, caddy, haproxy, 'nginx'].join(', ')

/** The questions to real servers and their decisions, each replayed against ours. */
export const REPLAYS: readonly Replay[] = [
  row('requests to', llamaStack, (serve) => replayExchange(serve), EXCHANGE, 1_100),
  row('route policies of', ogx, replayPolicies, POLICIES, 8_000),
  row('tokens of', llamaStack, replayProviders, PROVIDERS, 148),
  row('sections of run.yaml of', llamaStack, replaySections, SECTIONS, 211),
  row('keys of our endpoint behind', llamaStack, replayEndpoint, ENDPOINT, 127),
  row('tokens of', kubernetes, replayKubernetes, KUBERNETES, 82),
  row('tokens of', keycloak, replayKeycloak, KEYCLOAK, 70),
  row('tokens of', hydra, replayHydra, [], 18),
  row('introspection by', oauth, replayIntrospection, INTROSPECTION, 86),
  row('subrequests of', proxies, replaySubrequests, [], 140),
]

function row(
  what: string,
  server: string,
  replay: Replay['replay'],
  decided: readonly Decided[],
  least: number,
): Replay {
  return { name: `${what} ${server}`, server, replay, decided, least }
}

/** The cases that are decided differently without a reason. */
export function undecided({ decided }: Pick<Replay, 'decided'>, cases: readonly Case[]): Case[] {
  const isDecided = (difference: Case): boolean => decided.some(({ covers }) => covers(difference))
  return cases.filter((one) => one.recorded !== one.ours && !isDecided(one))
}

/** The reasons that no case needs. One of them would hide a difference that comes later. */
export function unneeded({ decided }: Replay, cases: readonly Case[]): string[] {
  const differences = cases.filter(({ recorded, ours }) => recorded !== ours)
  const idle = decided.filter(({ covers, onSome }) => !onSome && !differences.some(covers))
  return idle.map(({ reason }) => reason)
}
