import { createServer as createTcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { guardOf } from '../../support/guarded-verifier.ts'
import { findFreePort } from '../../support/loopback.ts'
import { LATE_MS, run, WAYS } from '../../support/tcp-endpoint.ts'
import { startService } from '../../support/verifier-service.ts'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { DecisionEvent } from '../../../src/index.ts'

/** An endpoint that is slow, broken or hostile, over real sockets. */

const MIB = 1024 * 1024
const SLOW = { tags: ['slow'] }
const RETRYING = { retry: {} }
const ALLOWED = { outcome: 'allow' }
const rejected = (reason: string) => ({ outcome: 'deny', status: 401, reason })

// One after the other: they measure memory.
describe.each(WAYS)(
  'a gzip bomb fills no memory (undici CVE-2026-22036), over %s',
  SLOW,
  (_name, way) => {
    // 50 members of 1 MB each: compressing 50 MB at once would take the memory that is measured.
    const member = gzipSync(Buffer.alloc(MIB))
    const bomb = Buffer.concat(Array.from({ length: 50 }, () => member))
    const used = (): number => {
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }

    it.each([
      ['optional', ALLOWED],
      ['required', rejected('invalid_response')],
    ] as const)('with an identity that is %s', async (identity, expected) => {
      const { url } = await startService((_call, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length })
        return void response.end(bomb)
      })
      const { ask } = guardOf({ ...way, endpoint: url, identity, timeoutMs: LATE_MS })
      const before = used()
      let most = before
      const timer = setInterval(() => {
        most = Math.max(most, used())
      }, 1)
      const outcome = await ask()
      clearInterval(timer)
      expect(outcome).toMatchObject(expected)
      expect(Math.max(most, used()) - before).toBeLessThan(30 * MIB)
      expect(outcome.durationMs).toBeLessThan(LATE_MS / 2)
    })
  },
)

describe.each(WAYS)('over %s', SLOW, (_name, way) => {
  describe('a connection is used again', () => {
    const TEXT = 'x'.repeat(2048)
    const write =
      (status: number, body: string) =>
      (response: ServerResponse): unknown =>
        response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
    const writeChunks = (response: ServerResponse): unknown => {
      response.writeHead(401).write(TEXT.slice(0, 1024))
      return response.end(TEXT.slice(1024))
    }
    const ANSWERS = {
      'a 401 with a body': write(401, TEXT),
      'a 401 with a body in chunks': writeChunks,
      'a 500 with a body': write(500, TEXT),
      'a 200 with an identity': write(200, '{"principal":"alice"}'),
      'a 200 with a page': write(200, `<html>${TEXT}</html>`),
    }
    const turns = Object.values(ANSWERS)
    const inTurn = (response: ServerResponse, turn: number): unknown =>
      turns[turn % turns.length]?.(response)

    it.each(Object.entries({ ...ANSWERS, 'all of them in turn': inTurn }))(
      'after %s',
      async (_what, answer) => {
        let turn = 0
        const { url, counts } = await startService((_call, response) => {
          answer(response, turn)
          turn += 1
          return undefined
        })
        const { ask } = guardOf({ ...way, endpoint: url, circuitBreaker: false })
        for (let count = 0; count < 20; count += 1) await ask()
        expect(turn).toBe(20)
        expect(counts.accepted).toBeLessThanOrEqual(2)
      },
    )

    it('after a body that comes later than its head, by many clients', async () => {
      const CLIENTS = 100
      let ended = 0
      const { url, sockets, counts } = await startService((_call, response) => {
        response.writeHead(401, { 'content-length': 2 }).flushHeaders()
        response.on('close', () => (ended += 1))
        setTimeout(() => response.end('no'), 100)
        return undefined
      })
      const { ask } = guardOf({ ...way, endpoint: url, timeoutMs: LATE_MS })
      for (const round of [1, 2]) {
        const clients = Array.from({ length: CLIENTS }, (_, index) =>
          ask(`random-${round}-${index}`),
        )
        for (const outcome of await Promise.all(clients)) {
          expect(outcome).toMatchObject(rejected('denied'))
        }
        await vi.waitFor(() => expect(ended).toBe(round * CLIENTS), LATE_MS)
      }
      // Both rounds need no more connections than one: none was closed and replaced.
      expect(counts.accepted).toBeLessThanOrEqual(CLIENTS)
      expect(sockets.size).toBe(counts.accepted)
    })
  })

  describe('an endpoint that hangs up', () => {
    it('because nothing listens: the check is retried once, and the request rejected', async () => {
      const endpoint = `http://127.0.0.1:${await findFreePort()}/`
      expect(await guardOf({ ...way, ...RETRYING, endpoint }).ask()).toMatchObject({
        ...rejected('unreachable'),
        attempts: 2,
      })
    })

    it.each<[string, (socket: Socket) => unknown]>([
      ['by a reset', (socket) => socket.resetAndDestroy()],
      ['after the request', (socket) => socket.once('data', () => socket.destroy())],
      ['by a half-close after the request', (socket) => socket.once('data', () => socket.end())],
      ['by a half-close at once', (socket) => socket.resume().end()],
      ['in the status line', (socket) => socket.resume().end('HTTP/1.1 20')],
    ])('%s: the check is retried once, and the request rejected', async (_what, accept) => {
      // The connection stays open that the client has half closed.
      const { port, counts } = await run(createTcpServer({ allowHalfOpen: true }, accept))
      const endpoint = `http://127.0.0.1:${port}/`
      expect(await guardOf({ ...way, ...RETRYING, endpoint }).ask()).toMatchObject({
        ...rejected('unreachable'),
        attempts: 2,
      })
      expect(counts.accepted).toBe(2)
    })

    it('on a used connection while the check is sent: the retry is allowed', async () => {
      const used = new WeakSet<Socket>()
      let hungUp = 0
      const { url } = await startService((_call, { req: { socket } }) => {
        if (hungUp > 0 || !used.has(socket)) {
          used.add(socket)
          return { text: '{}' }
        }
        // So does a server whose idle time ends at this moment.
        hungUp += 1
        return void socket.destroy()
      })
      const { ask } = guardOf({ ...way, ...RETRYING, endpoint: url })
      const outcomes: DecisionEvent[] = []
      // The client may open a new connection for some of these requests.
      for (let count = 0; count < 4; count += 1) outcomes.push(await ask())
      expect(outcomes).toMatchObject(outcomes.map(() => ALLOWED))
      expect(hungUp).toBe(1)
      expect(outcomes.filter(({ attempts }) => attempts === 2)).toHaveLength(1)
    })

    it('on an idle connection: the next check is allowed', async () => {
      const { url, sockets } = await startService((_call, response) => {
        return void response.end('{}', () => setTimeout(() => response.req.socket.destroy(), 5))
      })
      const { ask } = guardOf({ ...way, ...RETRYING, endpoint: url })
      expect(await ask()).toMatchObject(ALLOWED)
      await vi.waitFor(() => expect(sockets.size).toBe(0), LATE_MS)
      expect(await ask()).toMatchObject(ALLOWED)
    })
  })
})
