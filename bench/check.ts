import { HOT_TOKEN, WRONG_TOKEN } from './app/tokens.js'
import type { Endpoint } from './support/endpoint.ts'
import type { Entrant } from './support/entrants.ts'
import type { LoadResult } from './support/wrk.ts'

const ASKED_ABOUT_TWO = { never: 0, once: 1, always: 2 } as const
const ASKED_ABOUT_ONE = { never: 0, once: 1, always: 1 } as const
// The largest ratio of calls to requests with a cache. Calls are first requests of a token and expired denials.
const MOST_ASKED = 0.02

/** Throws unless a contestant allows, rejects and asks the endpoint as expected. */
export async function checkEntrant(entrant: Entrant, endpoint: Endpoint): Promise<void> {
  const { isOpen = false, asks, server } = entrant.contestant
  if (server === 'endpoint') return
  const refused = isOpen ? 200 : 401
  await expectStatus(entrant, endpoint, [undefined], refused, server === undefined ? 0 : undefined)
  await expectStatus(entrant, endpoint, [HOT_TOKEN, HOT_TOKEN], 200, ASKED_ABOUT_TWO[asks])
  await expectStatus(entrant, endpoint, [WRONG_TOKEN], refused, ASKED_ABOUT_ONE[asks])
}

async function expectStatus(
  { contestant, url }: Entrant,
  endpoint: Endpoint,
  tokens: readonly (string | undefined)[],
  wanted: number,
  wantedCalls: number | undefined,
): Promise<void> {
  const before = await endpoint.calls()
  for (const token of tokens) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`${url}/v1/models`, { headers })
    const text = await response.text()
    const isRight = response.status === wanted && (wanted !== 200 || text === 'ok')
    if (!isRight) throw new Error(`${contestant.name} answered ${response.status}, not ${wanted}`)
  }
  const calls = (await endpoint.calls()) - before
  if (wantedCalls === undefined || calls === wantedCalls) return
  throw new Error(`${contestant.name} asked ${calls} times, not ${wantedCalls}`)
}

/** Throws if a run has unexpected responses, or too many or too few calls of the endpoint. */
export function checkResult(
  { contestant, load }: Entrant,
  { requests, refused, broken }: LoadResult,
  calls: number,
): void {
  const { name, asks, isOpen = false, server } = contestant
  if (server === 'endpoint') return
  const isRefused = !isOpen && ['none', 'malformed', 'denied'].includes(load.tokens)
  const wanted = isRefused ? requests : 0
  if (refused !== wanted || broken > 0 || requests === 0) {
    throw new Error(
      `${name}: of ${requests} requests ${refused} were rejected, ${broken} broke off`,
    )
  }
  const asksNobody = asks === 'never' || ['none', 'malformed'].includes(load.tokens)
  const isUsual = asks === 'always' || load.tokens === 'new'
  const [least, most] = isUsual
    ? [requests, requests + 2 * load.connections]
    : [0, Math.max(MOST_ASKED * requests, load.connections)]
  const isRight = asksNobody ? calls === 0 || server !== undefined : calls >= least && calls <= most
  if (!isRight) throw new Error(`${name} asked ${calls} times for ${requests} requests`)
}
