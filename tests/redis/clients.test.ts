import { createClient } from '@redis/client'
import { afterEach, expect, it } from 'vitest'
import { connectGuard, pause, stopGuards } from '../support/connected-guards.ts'
import { findFreePort } from '../support/loopback.ts'
import type { ConnectedGuard } from '../support/connected-guards.ts'
import type { ClientFactory } from '../../src/redis.ts'

/** Clients that throw. Nothing of it may end the process, or stop the attempts. */

afterEach(stopGuards)

async function connect(client: ClientFactory): Promise<ConnectedGuard> {
  const url = `redis://127.0.0.1:${await findFreePort()}`
  return connectGuard(() => ({ outcome: 'allow' }), { url, revocationMs: 250, client })
}

it('destroys both clients though each one throws', async () => {
  const destroyed = new Set<number>()
  let made = 0
  const guard = await connect((options) => {
    const client = createClient(options)
    const count = made
    made += 1
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
  while (made < 5) await pause(5)
  expect([...destroyed].slice(0, 4)).toEqual([0, 1, 2, 3])
})
