import { createClient } from '@redis/client'
import { setTimeout as pause } from 'node:timers/promises'
import { REVOCATION_MS, until, waitOut } from './fleet.ts'
import { send, TOKEN } from './scene.ts'
import type { RunningEngine } from '../support/redis-servers.ts'
import type { Fleet } from './fleet.ts'
import type { Scene } from './scene.ts'

/**
 * Faults of an engine and of its instances. Each returns how long the revoked token was allowed, in milliseconds, until the
 * start of the last allowed request.
 */
export const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<number>>> = {
  'nothing happens': async (scene) => {
    const fleet = await scene.fleet((await scene.engine()).url)
    return revokeBefore(fleet, () => undefined)
  },

  'the engine is stopped for 1.5 seconds': async (scene) => {
    const engine = await scene.engine()
    const fleet = await scene.fleet(engine.url)
    engine.pause()
    return denyDuring(fleet, engine.resume)
  },

  'the engine is killed, and started again later': async (scene) => {
    const engine = await scene.engine()
    const fleet = await scene.fleet(engine.url)
    await engine.kill()
    return denyDuring(fleet, () => scene.engine(engine))
  },

  'the engine is killed, and starts from an older snapshot': async (scene) => {
    const engine = await scene.engine()
    const fleet = await scene.fleet(engine.url)
    await send(engine, 'SAVE')
    return revokeBefore(fleet, async () => {
      await engine.kill()
      await scene.engine(engine)
      await expectStored(engine)
    })
  },

  'all keys are deleted': async (scene) => {
    const engine = await scene.engine()
    const fleet = await scene.fleet(engine.url)
    return revokeBefore(fleet, () => send(engine, 'FLUSHALL'))
  },

  'keys are evicted by volatile-ttl': (scene) => evict(scene, 'volatile-ttl'),
  'keys are evicted by allkeys-random': (scene) => evict(scene, 'allkeys-random'),

  'a replica without the revocation becomes the primary': async (scene) => {
    const [primary, replica, loseRest] = await startPair(scene)
    const proxy = await scene.proxy(primary)
    const fleet = await scene.fleet(proxy.url)
    await expectStored(replica)
    loseRest()
    return revokeBefore(fleet, async () => {
      await expectOtherFence(primary, replica)
      await primary.kill()
      await send(replica, 'REPLICAOF', 'NO', 'ONE')
      proxy.lead(replica.port)
      proxy.closeAll()
      await expectStored(replica)
    })
  },

  'such a replica becomes the primary, and then the first one again': async (scene) => {
    const [first, replica, loseRest] = await startPair(scene)
    const fleet = await scene.fleet(first.url)
    await expectStored(replica)
    loseRest()
    return revokeBefore(fleet, async () => {
      await expectOtherFence(first, replica)
      await send(replica, 'REPLICAOF', 'NO', 'ONE')
      await send(first, 'REPLICAOF', '127.0.0.1', String(replica.port))
      await until(
        'the data is copied',
        async () => (await fenceOf(first)) === (await fenceOf(replica)),
      )
      await send(first, 'REPLICAOF', 'NO', 'ONE')
      await expectStored(first)
    })
  },

  'the primary becomes a replica, and its connections stay open': async (scene) => {
    const [first, next] = await startPair(scene)
    const fleet = await scene.fleet(first.url)
    await send(next, 'REPLICAOF', 'NO', 'ONE')
    await send(first, 'REPLICAOF', '127.0.0.1', String(next.port))
    return denyDuring(fleet, () => send(first, 'REPLICAOF', 'NO', 'ONE'))
  },

  'connections stay open, and lose all messages': async (scene) => {
    const proxy = await scene.proxy(await scene.engine())
    const fleet = await scene.fleet(proxy.url)
    proxy.loseAll()
    return denyDuring(fleet, () => undefined)
  },

  'an instance is cut off for a moment': async (scene) => {
    const engine = await scene.engine()
    const proxy = await scene.proxy(engine)
    const fleet = await scene.fleet([engine.url, proxy.url])
    // Nobody listens there.
    proxy.lead(1)
    proxy.closeAll()
    return revokeBefore(fleet, () => proxy.lead(engine.port))
  },

  'an instance is frozen for 3 seconds': async (scene) => {
    const fleet = await scene.fleet((await scene.engine()).url)
    fleet.signal(1, 'SIGSTOP')
    return revokeBefore(fleet, async () => {
      await pause(3000)
      fleet.signal(1, 'SIGCONT')
    })
  },
}

/** Revokes while a fault lasts. The time counts from the change at the endpoint. */
async function denyDuring(fleet: Fleet, repair: () => unknown): Promise<number> {
  const changedAt = fleet.deny(TOKEN)
  const revoked = fleet.revoke(TOKEN)
  await waitOut(changedAt)
  await repair()
  return settle(fleet, changedAt, await revoked)
}

/** Revokes, and then something happens. The time counts from the acknowledgement. */
async function revokeBefore(fleet: Fleet, fault: () => unknown): Promise<number> {
  fleet.deny(TOKEN)
  const resolvedAt = await fleet.revoke(TOKEN)
  await fault()
  return settle(fleet, resolvedAt, resolvedAt)
}

/** Also asks an instance that the endpoint has never told anything. */
async function settle(fleet: Fleet, from: number, resolvedAt: number): Promise<number> {
  await fleet.grow()
  await fleet.live()
  await waitOut(resolvedAt)
  await fleet.rejected(TOKEN, resolvedAt + REVOCATION_MS)
  return Math.max(0, (await fleet.lastAllow(TOKEN)) - from)
}

async function evict(scene: Scene, policy: string): Promise<number> {
  const engine = await scene.engine({ args: ['--maxmemory', '4mb', '--maxmemory-policy', policy] })
  const fleet = await scene.fleet(engine.url)
  return revokeBefore(fleet, async () => {
    const client = await createClient({ url: engine.url }).connect()
    const more = Array.from({ length: 4000 }, (_, index) =>
      client.set(`with-auth:v:more${index}`, 'x'.repeat(2000), { PX: 60_000 }),
    )
    await Promise.all(more)
    client.destroy()
    const evicted = /evicted_keys:(\d+)/.exec(String(await send(engine, 'INFO', 'stats')))?.[1]
    if (Number(evicted) === 0) throw new Error('Nothing was evicted')
  })
}

/** A primary and its replica. The function loses what the replica would get from now on. */
async function startPair(scene: Scene): Promise<[RunningEngine, RunningEngine, () => void]> {
  const args = ['--repl-diskless-sync-delay', '0']
  const primary = await scene.engine({ args })
  const link = await scene.proxy(primary)
  const port = new URL(link.url).port
  const replica = await scene.engine({ args: [...args, '--replicaof', '127.0.0.1', port] })
  return [primary, replica, link.loseAll]
}

/** The fence of the slot of the token, which is the only one. */
async function fenceOf(engine: RunningEngine): Promise<string> {
  const keys = await send(engine, 'KEYS', 'with-auth:f:????')
  if (!Array.isArray(keys) || keys.length !== 1) throw new Error(`No fence: ${String(keys)}`)
  return String(await send(engine, 'GET', String(keys[0])))
}

async function expectOtherFence(one: RunningEngine, other: RunningEngine): Promise<void> {
  if ((await fenceOf(one)) === (await fenceOf(other))) throw new Error('No write was lost')
}

/** Waits until an engine has the decision that was shared before the revocation. Else a fault would prove nothing. */
async function expectStored(engine: RunningEngine): Promise<void> {
  await until('a decision is stored', async () => {
    const keys = await send(engine, 'KEYS', 'with-auth:v:*')
    return Array.isArray(keys) && keys.length === 1
  })
}
