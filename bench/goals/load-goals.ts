import { RUNTIMES } from '../support/runtimes.ts'
import { sendLoad } from '../support/wrk.ts'
import { median } from '../summary.ts'
import type { Load } from '../matches.ts'
import type { LoadResult } from '../support/wrk.ts'
import type { Finding, Goal, Place } from './goal.ts'

const ROUNDS = 5
const SECONDS = 2
const EXPIRY_SECONDS = 5
// The time to live of `expiring` minus a tenth for jitter.
const LEAST_TTL_MS = 450
const SLOW_MS = 20
// No server listens there.
const NOWHERE = 'http://127.0.0.1:1/validate'

const FLOOD_SECONDS = 5
const KEPT_IN_FLOOD = 0.4

const HOT: Load = { tokens: 'hot', headers: 6, connections: 64 }
const KNOWN: Load = { ...HOT, tokens: 'many' }

export const LOAD_GOALS: readonly Goal[] = [
  {
    id: 'herd',
    goal: '1,000 requests at once with a new token: the endpoint is asked once',
    find: ({ app, endpoint }) =>
      serving(app, 'kept', `${endpoint.url}?delay=2000`, async (url) => {
        const before = await endpoint.calls()
        const { requests } = await sendLoad(url, { ...HOT, connections: 1000 }, 4)
        const calls = (await endpoint.calls()) - before
        const found = `asked ${times(calls)} for ${requests.toLocaleString('en')} requests`
        return { found, isReached: calls === 1 && requests >= 1000 }
      }),
  },
  {
    id: 'expiry',
    goal: `Cached for 500 ms, with an endpoint that takes ${SLOW_MS} ms: asked once an expiry, p99 at most ${1.5 * SLOW_MS} ms`,
    find: ({ app, endpoint }) =>
      serving(app, 'expiring', `${endpoint.url}?delay=${SLOW_MS}`, async (url) => {
        await sendLoad(url, HOT, SECONDS)
        const before = await endpoint.calls()
        const { p99, max } = await sendLoad(url, HOT, EXPIRY_SECONDS)
        const calls = (await endpoint.calls()) - before
        const most = Math.ceil((EXPIRY_SECONDS * 1000) / LEAST_TTL_MS) + 1
        return {
          found: `asked ${times(calls)} in ${EXPIRY_SECONDS} s, p99 ${ms(p99)}, at most ${ms(max)}`,
          isReached: calls <= most && p99 <= 1500 * SLOW_MS,
        }
      }),
  },
  floodGoal('flood/slow', 'an endpoint that takes 5 ms', '?delay=5'),
  floodGoal('flood/fast', 'an endpoint that answers at once', ''),
  {
    id: 'flood/known',
    goal: `While 3,000 connections send random tokens, with default bounds and an endpoint that takes ${SLOW_MS} ms, no token that was allowed before is rejected`,
    find: ({ app, endpoint }) =>
      serving(app, 'asked', `${endpoint.url}?delay=${SLOW_MS}`, async (url) => {
        // Each of the 10,000 tokens is allowed at least once.
        await sendLoad(url, KNOWN, 2 * FLOOD_SECONDS)
        const [known, flood] = await Promise.all([
          sendLoad(url, KNOWN, FLOOD_SECONDS),
          sendLoad(url, { ...KNOWN, tokens: 'garbage', connections: 3000 }, FLOOD_SECONDS),
        ])
        const rejected = `${known.refused} of ${known.requests.toLocaleString('en')} rejected`
        const found = `${rejected}, p99 ${ms(known.p99)}, beside ${flood.requests.toLocaleString('en')}`
        return { found, isReached: known.refused + known.broken === 0 && known.requests > 0 }
      }),
  },
  {
    id: 'outage',
    goal: 'With the endpoint down, requests are rejected at least half as fast as without a header',
    find: ({ app }) =>
      serving(app, 'kept', NOWHERE, (url) =>
        compare(
          () => sendLoad(url, { ...HOT, tokens: 'none' }, SECONDS),
          () => sendLoad(url, { ...HOT, tokens: 'new' }, SECONDS),
          0.5,
        ),
      ),
  },
]

function floodGoal(id: string, which: string, query: string): Goal {
  const garbage: Load = { ...HOT, tokens: 'garbage' }
  const find = ({ app, endpoint }: Place): Promise<Finding> =>
    serving(app, 'kept', endpoint.url + query, (url) =>
      compare(
        () => sendLoad(url, HOT, SECONDS),
        async () => {
          const [good] = await Promise.all([
            sendLoad(url, HOT, SECONDS),
            sendLoad(url, garbage, SECONDS),
          ])
          return good
        },
        KEPT_IN_FLOOD,
      ),
    )
  const goal = `While 64 connections send invalid tokens to ${which}, cached tokens keep at least ${percent(KEPT_IN_FLOOD)} of their throughput`
  return { id, goal, find }
}

/** Compares the throughput of the second with the first, in turn. */
async function compare(
  first: () => Promise<LoadResult>,
  second: () => Promise<LoadResult>,
  goal: number,
): Promise<Finding> {
  await first()
  await second()
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const whole = rateOf(await first())
    ratios.push(rateOf(await second()) / whole)
  }
  const [least, middle, most] = [Math.min(...ratios), median(ratios), Math.max(...ratios)]
  const found = `${percent(middle)} (${percent(least)}-${percent(most)})`
  return { found, isReached: middle >= goal }
}

async function serving(
  app: string,
  gate: string,
  endpoint: string,
  use: (url: string) => Promise<Finding>,
): Promise<Finding> {
  const server = await RUNTIMES.node24.start(app, { GATE: gate, AUTH_ENDPOINT: endpoint })
  try {
    return await use(server.url)
  } finally {
    await server.stop()
  }
}

function rateOf({ requests, microseconds }: LoadResult): number {
  return requests / microseconds
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}

function ms(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(1)} ms`
}
