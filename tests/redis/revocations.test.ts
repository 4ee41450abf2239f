import { createClient } from '@redis/client'
import { afterEach, describe, expect, it } from 'vitest'
import { connectGuard, connectLiveGuard, pause, stopGuards } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import type { Verdict } from '../../src/index.ts'

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

  it('tries again as often for many as for one', async () => {
    const rights = '~with-auth:b:* &* +@all'
    const args = ['--user', 'guard', 'on', '>hunter2', ...rights.split(' ')]
    const engine = await startEngine(name, { args })
    const url = engine.url.replace('://', '://guard:hunter2@')
    const guard = await connectLiveGuard(allow, { url, revocationMs: 250 })
    for (let count = 0; count < 50; count += 1) {
      void guard.clear().catch(() => undefined)
      await pause(5)
    }
    const client = await connect(engine.url)
    await client.sendCommand(['CONFIG', 'RESETSTAT'])
    await pause(1000)
    const stats = String(await client.sendCommand(['INFO', 'commandstats']))
    const rejected = Number(/cmdstat_set:.*rejected_calls=(\d+)/.exec(stats)?.[1])
    expect(rejected).toBeGreaterThan(0)
    expect(rejected).toBeLessThan(50)
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
    await pause(200)
    expect(messages).toEqual(['a'])
    client.destroy()
    await engine.stop()
  })
})

it('tells of a revocation that waits only after a while', async () => {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const guard = connectGuard(allow, { url, revocationMs: 250 })
  void guard.clear().catch(() => undefined)
  expect(guard.states()).not.toContain('revocation_pending')
  await guard.until('revocation_pending')
})

it('rejects a revocation after a time that is shorter than revocationMs', async () => {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const { store } = connectGuard(allow, { url, revocationMs: 10_000 })
  await expect(store.invalidate('all', 50)).rejects.toMatchObject({
    reason: 'revocation_unacknowledged',
  })
})
