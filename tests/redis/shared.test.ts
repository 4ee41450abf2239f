import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AuthUnavailableError } from '../../src/index.ts'
import { connectLiveGuard, pause, SECRET, stopGuards, until } from '../support/connected-guards.ts'
import { sorted } from '../support/project.ts'
import { ENGINES, startEngine, stopEngines } from '../support/redis-servers.ts'
import type { Verdict } from '../../src/index.ts'
import type { RedisStoreOptions } from '../../src/redis.ts'
import type { AnswerQuestion, ConnectedGuard } from '../support/connected-guards.ts'
import type { EngineName, RunningEngine } from '../support/redis-servers.ts'

/** Shared allows in a real engine, and whoever can write to it. */

const TOKEN = 'token-of-alice'
const ALLOW = { outcome: 'allow', principal: 'alice', attributes: { roles: ['dev'] } } as const

type Client = Awaited<ReturnType<typeof connectClient>>

function connectClient(url: string) {
  return createClient({ url, RESP: 2 }).connect()
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
  let client: Client
  let verdict: Verdict = ALLOW
  let isDown = false

  beforeAll(async () => {
    engine = await startEngine(name)
    client = await connectClient(engine.url)
  })
  beforeEach(async () => {
    verdict = ALLOW
    isDown = false
    await client.sendCommand(['FLUSHALL'])
  })
  afterEach(stopGuards)
  afterAll(async () => {
    client.destroy()
    await stopEngines()
  })

  const decide = (token: string): Verdict => {
    if (isDown) throw new AuthUnavailableError('unreachable')
    return token === TOKEN ? verdict : { outcome: 'deny' }
  }
  const sharing = (
    options: Partial<RedisStoreOptions> = {},
    answer: AnswerQuestion = decide,
  ): Promise<ConnectedGuard> =>
    connectLiveGuard(answer, {
      url: engine.url,
      shareVerdicts: true,
      secret: SECRET,
      // The machine may be busy.
      timeoutMs: 10_000,
      ...options,
    })
  const values = async (): Promise<string[]> => {
    const keys = await client.keys('*:v:*')
    return sorted(keys)
  }
  const untilShared = async (count = 1): Promise<string[]> => {
    const late = Date.now() + 5000
    await until(async () => {
      const isShared = (await values()).length >= count
      // On a busy machine a look may take too long, and then nothing is shared: another instance asks.
      if (!isShared && Date.now() > late) await (await sharing()).ask()
      return isShared
    })
    return values()
  }
  const valueOf = (key: string): Promise<Buffer> =>
    client.sendCommand(['GET', key], { typeMapping: { 36: Buffer } }) as unknown as Promise<Buffer>
  const put = (key: string, value: Buffer): Promise<unknown> =>
    client.sendCommand(['SET', key, value])

  it('lets another instance take an allow, without a call', async () => {
    const [one, other] = [await sharing(), await sharing()]
    await one.ask()
    await untilShared()
    expect(await other.ask()).toMatchObject({
      outcome: 'allow',
      principal: 'alice',
      cache: 'remote',
      attempts: 0,
    })
    expect(await other.ask()).toMatchObject({ cache: 'hit' })
    const third = await sharing()
    const both = await Promise.all([third.ask(), third.ask()])
    expect(both.map(({ cache }) => cache)).toEqual(['remote', 'shared'])
  })

  it('lets it take one while its circuit is open', async () => {
    const [one, other] = [await sharing(), await sharing()]
    await one.ask()
    await untilShared()
    isDown = true
    // All at once: on a busy machine ten failures in a row do not fit into the ten seconds of the window.
    const fails = Array.from({ length: 12 }, (_, index) => other.ask(`unknown-${index}`))
    await Promise.all(fails)
    expect(await other.ask('unknown')).toMatchObject({ reason: 'circuit_open' })
    expect(await other.ask()).toMatchObject({ outcome: 'allow', cache: 'remote', attempts: 0 })
  })

  it('shares no denial', async () => {
    const guard = await sharing()
    await guard.ask('unknown-token')
    await pause(50)
    expect(await values()).toEqual([])
  })

  it('opens for the same question only', async () => {
    const one = await sharing()
    await one.ask()
    const [key = ''] = await untilShared()
    const other = await sharing({}, () => ({ outcome: 'allow', principal: 'bob' }))
    await other.ask('token-of-bob')
    const keys = await untilShared(2)
    const bobs = keys.find((found) => found !== key) ?? ''
    // Bob's key gets the value of Alice.
    await put(bobs, await valueOf(key))
    const third = await sharing()
    expect(await third.ask('token-of-bob')).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it.each([
    ['truncated', (value: Buffer) => value.subarray(0, -1)],
    ['empty', () => Buffer.alloc(0)],
    ['made without the secret', () => Buffer.from('{"principal":"alice"}'.padEnd(200))],
    ['of another version', (value: Buffer) => Buffer.concat([Buffer.of(2), value.subarray(1)])],
    ['of another day', (value: Buffer) => Buffer.from(value).fill(7, 1, 5)],
    ['changed in one bit', (value: Buffer) => Buffer.from(value).fill(value[40]! ^ 1, 40, 41)],
  ])('ignores a value that is %s', async (_what, spoil) => {
    const one = await sharing()
    await one.ask()
    const [key = ''] = await untilShared()
    await put(key, spoil(await valueOf(key)))
    verdict = { outcome: 'deny' }
    const other = await sharing()
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it('ignores a value that was revoked and is put back', async () => {
    const one = await sharing()
    await one.ask()
    const [key = ''] = await untilShared()
    const old = await valueOf(key)
    verdict = { outcome: 'deny' }
    await one.invalidate(TOKEN)
    await put(key, old)
    const other = await sharing()
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
    await put(key, old)
    await one.clear()
    expect(await (await sharing()).ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it.each([
    ['its token', (guard: ConnectedGuard) => guard.invalidate(TOKEN)],
    ['all', (guard: ConnectedGuard) => guard.clear()],
  ])('ignores a value that is put back with its fences after %s was revoked', async (_, revoke) => {
    const [one, other] = [await sharing(), await sharing()]
    await one.ask()
    await untilShared()
    const keys = await client.keys('with-auth:[fv]:*')
    const saved = await Promise.all(keys.map(async (key) => [key, await valueOf(key)] as const))
    const stamp = other.store.stamp(TOKEN, 0, 0)
    verdict = { outcome: 'deny' }
    await revoke(one)
    await until(() => !stamp.isCurrent())
    for (const [key, value] of saved) await put(key, value)
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
    // An instance that has not heard of it shows that the value was put back well.
    verdict = ALLOW
    expect(await (await sharing()).ask()).toMatchObject({ cache: 'remote' })
  })

  it('keeps databases apart', async () => {
    const url = `${engine.url}/1`
    const [one, same] = [await sharing({ url }), await sharing({ url })]
    const other = await sharing()
    const stamps = [same, other].map(({ store }) => store.stamp(TOKEN, 0, 0))
    await one.invalidate(TOKEN)
    await until(() => stamps[0]?.isCurrent() === false)
    await pause(50)
    expect(stamps[1]?.isCurrent()).toBe(true)
  })

  it('shares no late fill, which was asked before a revocation', async () => {
    let answer: ((verdict: Verdict) => void) | undefined
    const late = await sharing({}, (token) =>
      token === TOKEN ? new Promise((resolve) => void (answer = resolve)) : { outcome: 'deny' },
    )
    const asked = late.ask()
    await until(() => answer !== undefined)
    const one = await sharing()
    const stamp = late.store.stamp(TOKEN, 0, 0)
    await one.invalidate(TOKEN)
    // It hears of it a moment after the engine has it.
    await until(() => !stamp.isCurrent())
    answer?.(ALLOW)
    await asked
    await pause(200)
    expect(await client.keys('*:v:*')).toEqual([])
    verdict = { outcome: 'deny' }
    expect(await (await sharing()).ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it('ignores the value of another run of the engine, with the same fences', async () => {
    const own = await startEngine(name)
    const ownClient = await connectClient(own.url)
    const one = await sharing({ url: own.url })
    await one.ask()
    await until(async () => (await ownClient.keys('*:v:*')).length > 0)
    const other = await sharing({ url: own.url })
    // A replica with the same data that becomes the primary.
    await ownClient.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    await other.until('lost')
    await ownClient.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await other.until('live')
    verdict = { outcome: 'deny' }
    expect(await ownClient.keys('*:v:*')).toHaveLength(1)
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
    ownClient.destroy()
    await own.stop()
  })

  it('takes no allow that is older than what the endpoint told this instance', async () => {
    const [one, other] = [await sharing(), await sharing()]
    await one.ask()
    const [key = ''] = await untilShared()
    const old = await valueOf(key)
    verdict = { outcome: 'deny', maxAgeMs: 0 }
    await client.sendCommand(['DEL', key])
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
    await put(key, old)
    expect(await other.ask()).toMatchObject({ outcome: 'deny', attempts: 1 })
  })

  it('opens with one of several secrets, and not with another', async () => {
    const next = 'the next secret, which takes its place soon'
    const one = await sharing()
    await one.ask()
    await untilShared()
    expect(await (await sharing({ secret: [next, SECRET] })).ask()).toMatchObject({
      cache: 'remote',
    })
    expect(await (await sharing({ secret: next })).ask()).toMatchObject({ attempts: 1 })
  })

  it('keeps scopes, endpoint headers and prefixes apart', async () => {
    const one = await sharing()
    await one.ask()
    await untilShared()
    expect(await (await sharing({ scope: 'another' })).ask()).toMatchObject({ attempts: 1 })
    expect(await (await sharing({ prefix: 'another:' })).ask()).toMatchObject({ attempts: 1 })
  })

  it('asks the endpoint while the engine is silent or empty', async () => {
    const own = await startEngine(name)
    const guard = await sharing({ url: own.url, timeoutMs: 20 })
    await guard.ask()
    own.pause()
    for (let turn = 0; turn < 8; turn += 1) {
      void guard.clear().catch(() => undefined)
      expect(await guard.ask()).toMatchObject({ outcome: 'allow', attempts: 1 })
    }
    own.resume()
    await guard.until('live')
    await own.stop()
  })

  it('warns once of a fence that is none', async () => {
    const guard = await sharing()
    await client.sendCommand(['SET', 'with-auth:f:all', 'short'])
    await guard.ask()
    await guard.ask('token-of-bob')
    expect(guard.events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', message: expect.stringMatching(/wrong length/) as unknown },
    ])
  })

  it('warns after many values that do not open', async () => {
    const tokens = Array.from({ length: 100 }, (_, index) => `token-${index}`)
    const askAll = async (): Promise<ConnectedGuard> => {
      const guard = await sharing({ prefix: 'noise:' }, () => ALLOW)
      await Promise.all(tokens.map((token) => guard.ask(token)))
      return guard
    }
    const warningsOf = ({ events }: ConnectedGuard) =>
      events.filter(({ type }) => type === 'warning')
    let foreign = await askAll()
    // On a busy machine some are not shared or not looked for, and then other instances ask.
    await until(async () => {
      const keys = await values()
      for (const key of keys) await put(key, Buffer.alloc(50))
      foreign = await askAll()
      return warningsOf(foreign).length > 0
    })
    expect(warningsOf(foreign)).toEqual([
      { type: 'warning', message: expect.stringMatching(/do not open/) as unknown },
    ])
  })
}
