import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { AUDIENCE, goodClaims, keyOf, sign } from '../support/issuer.ts'
import { close, listen } from '../support/loopback.ts'
import { CURRENT_DATE, startWorker } from './support/workerd.ts'
import type { TestContext } from 'vitest'

/** A Worker gives up what a request waits for when the request ends, and with it a fetch of keys that others wait for. */

// At 2024-10-14 the runtime learned to settle a promise that another request had made.
const DATES = [CURRENT_DATE, '2024-01-01']
const DELAY_MS = 600

describe.concurrent.each(DATES)('workerd of %s', (date) => {
  async function start(passCtx: 'yes' | 'no', { onTestFinished }: TestContext) {
    const key = await keyOf('ES256', 'a')
    let fetches = 0
    const server = createServer((_request, response) => {
      fetches += 1
      setTimeout(() => response.end(JSON.stringify({ keys: [key.jwk] })), DELAY_MS)
    })
    const issuer = `http://127.0.0.1:${await listen(server)}`
    onTestFinished(() => close(server))
    const options = { issuer, audience: AUDIENCE, jwksUri: `${issuer}/jwks`, timeoutMs: 2000 }
    const env = {
      OPTIONS: JSON.stringify({ issuer: options, unavailableStatus: 503 }),
      PASS_CTX: passCtx,
    }
    const program = 'worker-that-may-end-early.js'
    const worker = await startWorker(program, inject('app'), env, [], date)
    onTestFinished(() => worker.stop())
    let count = 0
    const ask = async (startAfterMs: number, endsAfterMs?: number): Promise<number> => {
      await sleep(startAfterMs)
      // Each has its own token, since a guard lets requests with one token share their check.
      count += 1
      const token = await sign(key, goodClaims({ iss: issuer, jti: String(count) }))
      const early = endsAfterMs === undefined ? {} : { 'x-ends-after': String(endsAfterMs) }
      const headers = { authorization: `Bearer ${token}`, ...early }
      return (await fetch(worker.url, { headers })).status
    }
    return { ask, fetches: () => fetches }
  }

  it('fetches the keys once more for followers of a request that ends first', async (context) => {
    const { ask, fetches } = await start('no', context)
    const statuses = await Promise.all([ask(0, 150), ask(60), ask(90)])
    expect(statuses).toEqual([202, 200, 200])
    expect(fetches()).toBeLessThanOrEqual(3)
    expect(await ask(0)).toBe(200)
  })

  it('fetches them again for a request that comes later', async (context) => {
    const { ask } = await start('no', context)
    expect(await Promise.all([ask(0, 150), ask(700), ask(2500)])).toEqual([202, 200, 200])
  })

  it('keeps the fetch going with a ctx', async (context) => {
    const { ask, fetches } = await start('yes', context)
    const statuses = await Promise.all([ask(0, 150), ask(60), ask(900)])
    expect(statuses).toEqual([202, 200, 200])
    expect(fetches()).toBeLessThanOrEqual(2)
  })
})
