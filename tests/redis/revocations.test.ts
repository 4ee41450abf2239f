import { createClient } from '@redis/client'
import { afterEach, describe, expect, it } from 'vitest'
import {
  connectGuard,
  connectLiveGuard,
  pause,
  stopGuards,
  until,
} from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import { Dice, Process, World } from '../nightly/simulation/world.ts'
import { EngineError } from '../../src/redis/engine.ts'
import { createNames } from '../../src/redis/names.ts'
import { Revocations } from '../../src/redis/revocations.ts'
import type { Verdict } from '../../src/index.ts'
import type { Link } from '../../src/redis/engine.ts'

/** Many revocations at once, and revocations that the engine does not take. */

const allow = (): Verdict => ({ outcome: 'allow' })

afterEach(stopGuards)

function connect(url: string) {
  return createClient({ url, RESP: 2 }).connect()
}

describe.each(ENGINES)('%s', (name) => {
  it('writes one for all in place of more than 1,024, and acknowledges each', async () => {
    const port = await findFreePort()
    const url = `redis://127.0.0.1:${port}`
    const guard = connectGuard(allow, { url, revocationMs: 250 })
    const tokens = Array.from({ length: 3000 }, (_, index) => `token-${index}`)
    const revoked = tokens.map((token) => guard.invalidate(token))
    const engine = await startEngine(name, { port })
    await Promise.all(revoked)
    const client = await connect(url)
    expect(await client.sendCommand(['DBSIZE'])).toBeLessThan(1030)
    client.destroy()
    await engine.stop()
  })

  it('sends a revocation once to an engine that is silent', async () => {
    const engine = await startEngine(name)
    const guard = await connectLiveGuard(allow, { url: engine.url, revocationMs: 2000 })
    const client = await connect(engine.url)
    const messages: string[] = []
    await client.subscribe('with-auth:bus', (message) => void messages.push(message))
    engine.pause()
    const revoked = guard.clear()
    await guard.until('revocation_pending')
    await pause(700)
    engine.resume()
    await revoked
    await until(() => guard.states().includes('revocation_settled'))
    await pause(200)
    expect(messages).toEqual(['a'])
    client.destroy()
    await engine.stop()
  })

  it('settles a revocation without a word if it told of none', async () => {
    const engine = await startEngine(name)
    const guard = await connectLiveGuard(allow, { url: engine.url, revocationMs: 2000 })
    await guard.clear()
    expect(guard.states()).toEqual(['live'])
    await engine.stop()
  })
})

it('tells a process that only revokes of an outage, and of the revocation that waits', async () => {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const guard = connectGuard(allow, { url, revocationMs: 250 })
  void guard.invalidate('token-of-alice')
  await until(() => guard.states().length >= 2)
  expect(guard.states()).toEqual(expect.arrayContaining(['lost', 'revocation_pending']))
  // The first request brings no second listener.
  await guard.ask()
  expect(guard.states()).toHaveLength(2)
})

it('tells of a revocation that waits only after a while', async () => {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const guard = connectGuard(allow, { url, revocationMs: 250 })
  await guard.ask()
  await guard.until('lost')
  void guard.clear().catch(() => undefined)
  expect(guard.states()).toEqual(['lost'])
  await guard.until('revocation_pending')
})

it('rejects a revocation after a time that is shorter than revocationMs', async () => {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const { store } = connectGuard(allow, { url, revocationMs: 10_000 })
  const failed = store.invalidate('all', 50).catch((error: unknown) => error)
  expect(await Promise.race([failed, pause(5000)])).toMatchObject({
    reason: 'revocation_unacknowledged',
  })
})

it('tries again as often for many revocations of a slot as for one', async () => {
  const world = new World()
  const process = new Process(world, new Dice(1), 0)
  let writes = 0
  const announce = (): Promise<void> => {
    writes += 1
    return Promise.reject(new EngineError('OOM'))
  }
  const link = { announce } as unknown as Link
  const ignore = (): void => undefined
  const hooks = { link: () => link, onPending: ignore, onEmpty: ignore }
  const revocations = new Revocations(createNames('p:', 0), 1000, process, hooks)
  for (let at = 0; at < 1000; at += 5) {
    world.at(at, () => void revocations.add('all', 60_000).catch(ignore))
  }
  await world.runUntil(2000)
  const before = writes
  await world.runUntil(3000)
  expect(writes - before).toBeLessThanOrEqual(5)
  revocations.rejectAll()
})
