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
  while (made.length < 5) await pause(5)
  expect([...destroyed].slice(0, 4)).toEqual([0, 1, 2, 3])
})

it('tries again after a factory that throws, and does not show its message', async () => {
  const made: number[] = []
  const guard = await connect((options) => {
    if (made.push(made.length) > 2) throw new Error('hunter2 is wrong')
    return createClient(options)
  })
  await guard.ask()
  while (made.length < 5) await pause(5)
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
