import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectGuard, pause, stopGuards, until } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import type { EngineName, RunningEngine } from '../support/redis-servers.ts'
import type { ConnectedGuard } from '../support/connected-guards.ts'
import type { ClientFactory, RedisClient } from '../../src/redis.ts'

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
