/** @module-tag slow */
import { describe, expect, it, vi } from 'vitest'
import { guardOf } from '../../support/guarded-verifier.ts'
import { LATE_MS, WAYS } from '../../support/tcp-endpoint.ts'
import { startService } from '../../support/verifier-service.ts'
import type { ServerResponse } from 'node:http'

/** A connection is used again, so that an endpoint is not flooded with new ones. The runtimes have broken and hostile endpoints. */

const TEXT = 'x'.repeat(2048)
const write =
  (status: number, body: string) =>
  (response: ServerResponse): unknown =>
    response.writeHead(status, { 'content-length': body.length }).end(body)
const ANSWERS = {
  'a 401 with a body': write(401, TEXT),
  'a 401 with a body in chunks': (response: ServerResponse) => {
    response.writeHead(401).write(TEXT.slice(0, 1024))
    return response.end(TEXT.slice(1024))
  },
  'a 500 with a body': write(500, TEXT),
  'a 200 with an identity': write(200, '{"principal":"alice"}'),
  'a 200 with a page': write(200, `<html>${TEXT}</html>`),
}

describe.each(WAYS)('over %s, a connection is used again', (_way, transport) => {
  it.each(Object.entries(ANSWERS))('after %s', async (_what, answer) => {
    const { url, counts } = await startService((_call, response) => void answer(response))
    const { ask } = guardOf({ ...transport, endpoint: url, circuitBreaker: false })
    for (let count = 0; count < 20; count += 1)
      expect(await ask()).toMatchObject({ endpointStatus: expect.any(Number) as number })
    expect(counts.accepted).toBeLessThanOrEqual(2)
  })

  it('after a body that comes later than its head, by many clients', async () => {
    const CLIENTS = 100
    let ended = 0
    const { url, counts } = await startService((_call, response) => {
      response.writeHead(401, { 'content-length': 2 }).flushHeaders()
      response.on('close', () => (ended += 1))
      return void setTimeout(() => response.end('no'), 100)
    })
    const { ask } = guardOf({ ...transport, endpoint: url, timeoutMs: LATE_MS })
    for (const round of [1, 2]) {
      const clients = Array.from({ length: CLIENTS }, (_, index) => ask(`random-${round}-${index}`))
      for (const { reason } of await Promise.all(clients)) expect(reason).toBe('denied')
      await vi.waitFor(() => expect(ended).toBe(round * CLIENTS), LATE_MS)
    }
    // A busy machine may close a few. If none was used again, there would be twice as many.
    expect(counts.accepted).toBeLessThan(1.5 * CLIENTS)
  })
})
