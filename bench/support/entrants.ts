import { CONTESTANTS } from '../contestants.ts'
import { DEBIAN_SERVERS, startDebianServer } from './debian-servers.ts'
import { RUNTIMES } from './runtimes.ts'
import type { Contestant, ContestantId } from '../contestants.ts'
import type { Load, Match } from '../matches.ts'
import type { Endpoint } from './endpoint.ts'
import type { RuntimeId } from './runtimes.ts'

/** A running contestant. */
export interface Entrant {
  readonly contestant: Contestant
  readonly load: Load
  readonly url: string
  readonly pid: number
  readonly servedBy: string
  readonly stop: () => Promise<void>
}

export async function startEntrants(
  match: Match,
  runtime: RuntimeId,
  app: string,
  endpoint: Endpoint,
): Promise<Entrant[]> {
  const entrants: Entrant[] = []
  try {
    for (const id of match.contestants) {
      entrants.push(await startEntrant(id, match, runtime, app, endpoint))
    }
    return entrants
  } catch (error) {
    await Promise.all(entrants.map(({ stop }) => stop()))
    throw error
  }
}

async function startEntrant(
  id: ContestantId,
  { endpointMs, load: usual, otherTokens }: Match,
  runtime: RuntimeId,
  app: string,
  endpoint: Endpoint,
): Promise<Entrant> {
  const contestant: Contestant = CONTESTANTS[id]
  const load = { ...usual, tokens: otherTokens?.[id] ?? usual.tokens }
  const { server, query } = contestant
  if (server === 'endpoint') {
    return { ...endpoint, contestant, load, servedBy: 'Bun', stop: async () => undefined }
  }
  const asked = endpoint.url + (query ?? (endpointMs === undefined ? '' : `?delay=${endpointMs}`))
  if (server !== undefined) {
    const debian = DEBIAN_SERVERS[server]
    const started = await startDebianServer(debian, app, id, asked)
    return { ...started, contestant, load, servedBy: `${debian.name} ${debian.version()}` }
  }
  const { name, start } = RUNTIMES[runtime]
  const started = await start(app, { GATE: id, AUTH_ENDPOINT: asked })
  return { ...started, contestant, load, servedBy: `${name} ${started.version}` }
}
