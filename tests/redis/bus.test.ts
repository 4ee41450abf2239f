import { createClient } from '@redis/client'
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  connectGuard,
  connectLiveGuard,
  pause,
  stopGuards,
  until,
} from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { ENGINES, startEngine, stopEngines } from '../support/redis-servers.ts'
import type { Verdict } from '../../src/index.ts'
import type { ConnectedGuard } from '../support/connected-guards.ts'
import type { EngineName, RunningEngine } from '../support/redis-servers.ts'

/** Revocations between instances, by real engines. */

const ALLOW: Verdict = { outcome: 'allow', principal: 'alice' }
const DENY: Verdict = { outcome: 'deny' }
const allow = (): Verdict => ALLOW

afterEach(stopGuards)

/** Revokes Alice's token by one instance, and waits until another has heard of it. */
async function revokeAlice(one: ConnectedGuard, other: ConnectedGuard): Promise<void> {
  const stamp = other.store.stamp('token-of-alice', 0, 0)
  await one.invalidate('token-of-alice')
  await until(() => !stamp.isCurrent())
}

// The slow tests run the second engine: it takes as long again, and says nearly the same.
describe.each(ENGINES.slice(0, 1))('%s', { tags: ['database'] }, (name) => {
  testEngine(name)
})
describe.each(ENGINES.slice(1))('%s', { tags: ['slow'] }, (name) => {
  testEngine(name)
})

function testEngine(name: EngineName): void {
  let engine: RunningEngine
  beforeAll(async () => {
    engine = await startEngine(name)
  })
  afterAll(stopEngines)

  /** A guard whose calls wait until the test answers them. */
  async function holding() {
    const held: ((verdict: Verdict) => void)[] = []
    const hold = (token: string): Verdict | Promise<Verdict> =>
      token === 'first-token' ? ALLOW : new Promise((resolve) => void held.push(resolve))
    return { held, guard: await connectLiveGuard(hold, { url: engine.url }) }
  }

  it('tells the other instance of a revoked token, by token, by hash and of all', async () => {
    let verdict: Verdict = ALLOW
    const answer = (): Verdict => verdict
    const [one, other] = await Promise.all([
      connectLiveGuard(answer, { url: engine.url }),
      connectLiveGuard(answer, { url: engine.url }),
    ])
    const sha256 = createHash('sha256').update('token-of-alice').digest('hex').toUpperCase()
    for (const revoke of [
      () => one.invalidate('token-of-alice'),
      () => one.invalidateBy({ sha256 }),
      () => one.clear(),
    ]) {
      verdict = ALLOW
      await revokeAlice(one, other)
      await Promise.all([one.ask(), other.ask()])
      expect(await other.ask()).toMatchObject({ outcome: 'allow', cache: 'hit' })
      verdict = DENY
      await revoke()
      expect(await one.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
      await until(async () => (await other.ask()).outcome === 'deny')
    }
  })

  it('keeps the decisions about other tokens', async () => {
    const [one, other] = await Promise.all([
      connectLiveGuard(allow, { url: engine.url }),
      connectLiveGuard(allow, { url: engine.url }),
    ])
    await other.ask('token-of-bob')
    await revokeAlice(one, other)
    expect(await other.ask('token-of-bob')).toMatchObject({ cache: 'hit' })
  })

  it('does not let a request that comes after a revocation join a call from before it', async () => {
    const { guard, held } = await holding()
    const before = guard.ask()
    const remote = await connectLiveGuard(allow, { url: engine.url })
    const joined = guard.ask()
    await revokeAlice(remote, guard)
    const after = guard.ask()
    await expect.poll(() => held).toHaveLength(2)
    held.forEach((resolve, index) => resolve(index === 0 ? ALLOW : DENY))
    expect((await after).outcome).toBe('deny')
    expect((await Promise.all([before, joined])).map(({ outcome }) => outcome)).toEqual([
      'allow',
      'allow',
    ])
  })

  it('does not cache what was asked before a revocation (late fill)', async () => {
    const { guard, held } = await holding()
    const late = guard.ask()
    const remote = await connectLiveGuard(allow, { url: engine.url })
    await revokeAlice(remote, guard)
    held[0]?.(ALLOW)
    expect(await late).toMatchObject({ outcome: 'allow', cache: 'skipped', skipped: 'outdated' })
    const next = guard.ask()
    await expect.poll(() => held).toHaveLength(2)
    held[1]?.(DENY)
    expect(await next).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it('serves a cached allow for revocationMs only while the engine is silent', async () => {
    const own = await startEngine(name)
    let verdict: Verdict = ALLOW
    const guard = await connectLiveGuard(() => verdict, { url: own.url, revocationMs: 250 })
    await guard.ask()
    own.pause()
    verdict = DENY
    const stoppedAt = performance.now()
    await until(async () => (await guard.ask()).outcome === 'deny')
    // A wide margin, since the machine may be busy: the entry would live for a minute.
    expect(performance.now() - stoppedAt).toBeLessThan(5000)
    await guard.until('lost')
    own.resume()
    await guard.until('live')
    expect(guard.states().slice(-2)).toEqual(['lost', 'live'])
    await own.stop()
  })

  it('serves it for lostPushTtlMs if that is longer', async () => {
    const own = await startEngine(name)
    const options = { url: own.url, revocationMs: 250, lostPushTtlMs: 60_000 }
    const guard = await connectLiveGuard(allow, options)
    await guard.ask()
    await own.stop()
    await guard.until('lost')
    await pause(600)
    expect(await guard.ask()).toMatchObject({ cache: 'hit' })
  })

  it('tries a revocation again until the engine is back', async () => {
    const port = await findFreePort()
    const url = `redis://127.0.0.1:${port}`
    const guard = connectGuard(allow, { url, revocationMs: 250 })
    const revoked = guard.invalidate('token-of-alice')
    await guard.ask()
    await guard.until('lost')
    const own = await startEngine(name, { port })
    await revoked
    const pending = connectGuard(allow, { url, revocationMs: 250 })
    await pending.ask()
    await pending.until('live')
    await own.stop()
    await pending.until('lost')
    const waiting = pending.clear()
    await pending.until('revocation_pending')
    expect(pending.states()).toContain('lost')
    const again = await startEngine(name, { port })
    await waiting
    await again.stop()
  })

  it('rejects a revocation that is never acknowledged, without the URL or the token', async () => {
    const url = `redis://user:hunter2@127.0.0.1:${await findFreePort()}`
    const guard = connectGuard(allow, { url, revocationMs: 250 }, { allowTtlMs: 300 })
    const error = await guard.invalidate('token-of-alice').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'revocation_unacknowledged' })
    expect(String(error)).not.toMatch(/hunter2|alice/)
    const waiting = guard.invalidate('token-of-alice')
    guard.store.stop()
    await expect(waiting).rejects.toMatchObject({ reason: 'stopped' })
    await expect(guard.invalidate('token-of-alice')).rejects.toThrow('stopped')
    guard.store.stop()
  })

  it.each([
    ['a replica', ['--replicaof', '127.0.0.1', '1'], /connect to the primary/],
    ['a cluster', ['--cluster-enabled', 'yes'], /cluster mode/],
    ['a missing password', ['--requirepass', 'hunter2'], /asks for a password/],
  ])('is lost, with a warning, by %s', async (_what, args, advice) => {
    // By default a cluster also listens 10,000 ports higher, where the system gives ports to connections.
    const clusterPort = ['--cluster-port', `${await findFreePort()}`]
    const own = await startEngine(name, { args: [...args, ...clusterPort] })
    const guard = connectGuard(allow, { url: own.url, revocationMs: 250 })
    await guard.ask()
    await guard.until('lost')
    const warnings = (): string[] =>
      guard.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
    await until(() => warnings().length > 0)
    expect(warnings()).toEqual([expect.stringMatching(advice)])
    expect((await guard.ask()).outcome).toBe('allow')
    await own.stop()
  })

  it('is lost by a primary that becomes a replica, though its connections stay open', async () => {
    const own = await startEngine(name)
    const guard = await connectLiveGuard(allow, { url: own.url, revocationMs: 250 })
    const client = createClient({ url: own.url })
    await client.connect()
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    await guard.until('lost')
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await guard.until('live')
    expect(guard.states().slice(-2)).toEqual(['lost', 'live'])
    client.destroy()
    await own.stop()
  })
}

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
