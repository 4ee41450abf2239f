import { FAULTS } from '../../tests/redis-servers/faults.ts'
import { REVOCATION_MS } from '../../tests/redis-servers/fleet.ts'
import { createScene, TOKEN } from '../../tests/redis-servers/scene.ts'
import { ENGINES } from '../../tests/support/redis-servers.ts'
import { runNode } from '../support/runtimes.ts'
import type { EngineName } from '../../tests/support/redis-servers.ts'
import type { Scene } from '../../tests/redis-servers/scene.ts'
import type { Goal } from './goal.ts'

const PUSHES = 40
const MOST_PUSH_MS = 100
const MOST_HIT = 1.02
const MOST_SHARED = 1.3

export const SCALE_GOALS: readonly Goal[] = [
  {
    id: 'hit',
    goal: 'A hit with the bus costs at most 2 % more than one without, in one run',
    find: ({ app }) =>
      withScene('valkey', async (scene) => {
        const { url } = await scene.engine()
        const printed = await runNode(app, 'goal-bus.js', url)
        const { without, ratio } = JSON.parse(printed) as { without: number; ratio: number }
        const found = `${(100 * ratio).toFixed(1)} % of ${(1e6 * without).toFixed(0)} ns`
        return { found, isReached: ratio <= MOST_HIT }
      }),
  },
  {
    id: 'shared',
    goal: 'A shared allow costs at most 1.3 times the CPU of a POST by undici',
    find: ({ app, endpoint }) =>
      withScene('valkey', async (scene) => {
        const { url } = await scene.engine()
        const printed = await runNode(app, 'goal-shared.js', url, endpoint.url)
        const { shared, post } = JSON.parse(printed) as { shared: number; post: number }
        const found = `${(shared / post).toFixed(2)} times: ${shared.toFixed(1)} µs and ${post.toFixed(1)} µs`
        return { found, isReached: shared <= MOST_SHARED * post }
      }),
  },
  {
    id: 'push',
    goal: `After a revocation the last allow of three instances comes within ${MOST_PUSH_MS} ms, p95`,
    find: () =>
      withScene('valkey', async (scene) => {
        const times = (await pushTimes(scene)).toSorted((a, b) => a - b)
        const p95 = times[Math.ceil(0.95 * times.length) - 1] ?? Number.NaN
        const p50 = times[Math.ceil(0.5 * times.length) - 1] ?? Number.NaN
        const found = `p50 ${ms(p50)}, p95 ${ms(p95)}, at most ${ms(times.at(-1) ?? Number.NaN)}`
        return { found, isReached: p95 < MOST_PUSH_MS }
      }),
  },
  ...Object.entries(FAULTS).map(([title, run]): Goal => ({
    id: 'faults',
    goal: `A revoked token gets in for less than ${REVOCATION_MS} ms when ${title}`,
    find: async () => {
      const worst: number[] = []
      for (const name of ENGINES) worst.push(await withScene(name, run))
      const found = ENGINES.map((name, index) => `${name} ${ms(worst[index] ?? Number.NaN)}`)
      return { found: found.join(', '), isReached: Math.max(...worst) < REVOCATION_MS }
    },
  })),
]

async function withScene<Result>(
  name: EngineName,
  use: (scene: Scene) => Promise<Result>,
): Promise<Result> {
  const scene = createScene(name)
  try {
    return await use(scene)
  } finally {
    await scene.stop()
  }
}

/** From the change at the endpoint, right before the revocation, to the begin of the last request that was allowed. */
async function pushTimes(scene: Scene): Promise<number[]> {
  const fleet = await scene.fleet((await scene.engine()).url, {})
  const times: number[] = []
  for (let round = 0; round < PUSHES; round += 1) {
    const changedAt = fleet.deny(TOKEN)
    const resolvedAt = await fleet.revoke(TOKEN)
    await fleet.rejected(TOKEN, resolvedAt)
    times.push(Math.max(0, (await fleet.lastAllow(TOKEN)) - changedAt))
    fleet.allow(TOKEN)
    await fleet.allowed(TOKEN, resolvedAt)
  }
  return times
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
}
