import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectGuard, pause, stopGuards, until } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import { redisStore } from '../../src/redis.ts'
import type { EngineName, RunningEngine } from '../support/redis-servers.ts'
import type { ConnectedGuard } from '../support/connected-guards.ts'
import type { ClientFactory, RedisClient, RedisStoreOptions } from '../../src/redis.ts'

/** Clients that throw or say something else. Nothing of it may end the process, or stop the attempts. */

afterEach(stopGuards)

async function connect(client: ClientFactory, reachable?: string): Promise<ConnectedGuard> {
  const url = reachable ?? `redis://127.0.0.1:${await findFreePort()}`
  // A busy machine may take longer than the first one to connect.
  const revocationMs = reachable === undefined ? 250 : 10_000
  return connectGuard(() => ({ outcome: 'allow' }), { url, revocationMs, client })
}

it('destroys both clients though each one throws', async () => {
  const destroyed = new Set<number>()
  const made: number[] = []
  const guard = await connect((options) => {
    const client = createClient(options)
    const count = made.push(made.length) - 1
    const destroy = client.destroy.bind(client)
    client.destroy = () => {
      destroyed.add(count)
      destroy()
      throw new Error('The client is closed')
    }
    return client
  })
  await guard.ask()
  await guard.until('lost')
  await until(() => made.length >= 5)
  expect([...destroyed].slice(0, 4)).toEqual([0, 1, 2, 3])
})

it('tries again after a factory that throws, and does not show its message', async () => {
  const made: number[] = []
  const guard = await connect((options) => {
    if (made.push(made.length) > 2) throw new Error('hunter2 is wrong')
    return createClient(options)
  })
  await guard.ask()
  await until(() => made.length >= 5)
  expect(JSON.stringify(guard.events)).not.toContain('hunter2')
  expect((await guard.ask()).outcome).toBe('allow')
})

it('ends older decisions before it connects', async () => {
  const seen: boolean[] = []
  const guard = await connect(() => {
    seen.push(stamp.isCurrent())
    throw new Error('no client')
  })
  const stamp = guard.store.stamp('token-of-alice', 0, 0)
  const revoked = guard.store.invalidate({ token: 'token-of-alice' }, 300)
  await expect(revoked).rejects.toMatchObject({ reason: 'revocation_unacknowledged' })
  expect(seen).toContain(false)
  expect(seen).not.toContain(true)
  expect(guard.store.stamp('token-of-alice', 0, 0).isCurrent()).toBe(true)
})

it('makes no client after an observer has stopped the store', async () => {
  const made: number[] = []
  const url = `redis://127.0.0.1:${await findFreePort()}`
  const client: ClientFactory = (options) => {
    made.push(made.length)
    return createClient(options)
  }
  const store = redisStore({ url, client })
  await new Promise<void>((resolve) => {
    store.start('test', () => {
      store.stop()
      resolve()
    })
  })
  const before = made.length
  await pause(500)
  expect(made).toHaveLength(before)
})

it('tells a listener that comes later that the store is lost, once', async () => {
  const store = redisStore({ url: `redis://127.0.0.1:${await findFreePort()}` })
  const told: string[] = []
  const listen = (name: string): void =>
    store.start(name, (event) => void told.push(`${name} ${event.type}`))
  listen('first')
  await until(() => told.length > 0)
  listen('second')
  listen('second')
  expect(told).toEqual(['first store', 'second store'])
  store.stop()
})

/** A client that gives other answers to INFO. */
function answering(section: string, change: (info: string) => string): ClientFactory {
  return (options) => {
    const client: RedisClient = createClient(options)
    const send = client.sendCommand.bind(client)
    client.sendCommand = async (args, more) => {
      const reply: unknown = await send(args, more)
      const isChanged = args[1] === section && typeof reply === 'string'
      return isChanged ? change(reply) : reply
    }
    return client
  }
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
  afterAll(() => engine.stop())

  it.each([
    ['that does not say whether it is a cluster', 'cluster', () => ''],
    [
      'without a history of writes',
      'replication',
      (info: string) => info.replace(/(?<=master_replid:)\w+/, '0'.repeat(40)),
    ],
  ])('refuses an engine %s', async (_what, section, change) => {
    const guard = await connect(answering(section, change), engine.url)
    await guard.ask()
    await guard.until('lost')
    await pause(300)
    expect(guard.states()).toEqual(['lost'])
    expect(guard.events).toContainEqual(expect.objectContaining({ cause: 'invalid_reply' }))
  })

  it('takes heartbeats from its own channel only, and revocations from that of all', async () => {
    const guard = await connect(createClient, engine.url)
    await guard.ask()
    await guard.until('live')
    const stamp = guard.store.stamp('token-of-alice', 0, 0)
    const client = await createClient({ url: engine.url, RESP: 2 }).connect()
    const own = await client.sendCommand(['PUBSUB', 'CHANNELS', 'with-auth:bus:*'])
    const channels = Array.isArray(own) ? own.map(String) : []
    expect(channels).not.toEqual([])
    for (const channel of channels) await client.publish(channel, 'a')
    await pause(100)
    expect(stamp.isCurrent()).toBe(true)
    await client.publish('with-auth:bus', 'a')
    await until(() => !stamp.isCurrent())
    client.destroy()
  })
}

const PEM = '-----BEGIN CERTIFICATE-----'

function problemOf(options: RedisStoreOptions): string {
  try {
    redisStore(options).stop()
    return ''
  } catch (error) {
    return String(error)
  }
}

// The client would refuse them later, with the password in its message.
describe('the options of redisStore', () => {
  it.each<[string, RedisStoreOptions, RegExp]>([
    ['a path', { url: 'redis://app:hunter2@127.0.0.1/prod' }, /path is empty or the number/],
    ['more than a number', { url: 'redis://:hunter2@127.0.0.1/1/2' }, /path is empty or/],
    ['a password', { url: 'redis://app:%ZZhunter2@127.0.0.1' }, /percent-encoded/],
    ['a user', { url: 'redis://%ZZ:hunter2@127.0.0.1' }, /percent-encoded/],
    ['tls', { url: 'redis://app:hunter2@127.0.0.1', tls: { ca: PEM } }, /"tls" must be left out/],
  ])('refuses %s that cannot be used, and shows no password', (_what, options, problem) => {
    expect(problemOf(options)).toMatch(problem)
    expect(problemOf(options)).not.toContain('hunter2')
  })

  it.each<RedisStoreOptions>([
    { url: 'redis://127.0.0.1' },
    { url: 'redis://127.0.0.1/' },
    { url: 'redis://app:p%25w@127.0.0.1/3' },
    { url: 'rediss://app:p%25w@127.0.0.1/3', tls: { ca: PEM } },
  ])('takes %j', (options) => {
    expect(problemOf(options)).toBe('')
  })
})
