import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { BODY_SERVERS, FRAMINGS, askStatus, beginRequest } from './support/bodies.ts'
import { answerAsTold, startAuthEndpoint, tokenFor } from '../support/auth-endpoint.ts'
import type { BodyRequest, Framing } from './support/bodies.ts'
import type { RawConnection } from '../support/raw-client.ts'
import type { RunningServer } from './support/server-process.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'

const FRAMING_NAMES = Object.keys(FRAMINGS) as Framing[]

let endpoint: AuthEndpoint
beforeAll(async () => void (endpoint = await startAuthEndpoint(answerAsTold)))
afterAll(() => endpoint.close())

describe.each(BODY_SERVERS.map((server) => [server.name, server] as const))(
  '%s',
  (_name, server) => {
    let running: RunningServer
    beforeAll(
      async () =>
        void (running = await server.start(inject('app'), { AUTH_ENDPOINT: endpoint.url })),
    )
    afterAll(() => running.stop())

    it.each(FRAMING_NAMES)('hands over the very Request, unread, with %s', async (framing) => {
      const connection = await begin({ path: '/status', framing })
      expect(await connection.readThrough('}')).toContain('{"same":true,"bodyUsed":false}')
      await connection.leave()
    })

    it('passes an event on though nothing follows it', async () => {
      const connection = await begin({ path: '/events' })
      expect(await connection.readThrough('data: first\n\n')).toContain('HTTP/1.1 200')
      await connection.leave()
    })

    it.each(FRAMING_NAMES)('lets the first part of an upload through with %s', async (framing) => {
      const connection = await begin({ path: '/first', framing })
      await connection.write(frame(framing, 'part-1'))
      expect(await connection.readThrough('part-1')).toContain('HTTP/1.1 200')
      await connection.leave()
    })

    it('streams both ways at once: each part is sent after the echo of the one before', async () => {
      const connection = await begin({ path: '/echo', framing: 'chunked' })
      for (const part of ['part-1', 'part-2', 'part-3']) {
        await connection.write(frame('chunked', part))
        expect(await connection.readThrough(part)).toContain(part)
      }
      await connection.write(frame('chunked', ''))
      expect(await connection.readThrough('0\r\n\r\n')).not.toContain('part')
      await connection.leave()
    })

    it('tells the handler that the client of a stream is gone', async () => {
      const connection = await begin({ path: '/endless', id: 'stream' })
      for (const tick of ['1', '2', '3']) await connection.readThrough(`tick ${tick}\n`)
      await connection.leave()
      const told = new Set(['HANDLER', ...server.tells])
      await expect.poll(() => said('stream')).toEqual(told)
    })

    it('tells the handler that the client of an upload is gone', async () => {
      const connection = await begin({ path: '/drain', framing: 'content-length', id: 'upload' })
      await connection.write(frame('content-length', 'part-1'))
      await expect.poll(() => said('upload')).toEqual(new Set(['HANDLER', 'CHUNK']))
      await connection.leave()
      await expect.poll(() => said('upload')).toContain('BROKEN')
    })

    // No runtime stops what was awaited for a client that is gone.
    it('calls the handler for a client that left during the check', async () => {
      await leaveDuringCheck({ path: '/status', id: 'left', token: tokenFor('left', 150) })
      await expect.poll(() => said('left')).toContain('HANDLER')
    })

    it.each(FRAMING_NAMES)('breaks an upload left during the check, with %s', async (framing) => {
      const id = `left-upload-${framing}`
      await leaveDuringCheck({ path: '/drain', framing, id, token: tokenFor(id, 150) })
      await expect.poll(() => said(id)).toContain('BROKEN')
    })

    it('never calls the handler for a client that left before its denial', async () => {
      await leaveDuringCheck({ path: '/status', id: 'denied', token: tokenFor('denied', 150, 401) })
      // Asked later and answered later, so the denial has come by then.
      expect(await askStatus(running.url, tokenFor('later', 300))).toContain('HTTP/1.1 200')
      expect(said('denied')).toEqual(new Set())
    })

    it('has printed no error, and still serves', async () => {
      expect(await askStatus(running.url)).toContain('HTTP/1.1 200')
      expect(running.printed()).not.toMatch(/error|exception|unhandled|uncaught|rejection/i)
    })

    function begin(request: BodyRequest): Promise<RawConnection> {
      return beginRequest(running.url, request)
    }

    async function leaveDuringCheck(request: BodyRequest): Promise<void> {
      const before = endpoint.received.length
      const connection = await begin(request)
      if (request.framing !== undefined) await connection.write(frame(request.framing, 'part-1'))
      await expect.poll(() => endpoint.received.length).toBe(before + 1)
      await connection.leave()
    }

    /** The words that the handler printed for a request. */
    function said(id: string): Set<string> {
      const lines = running.printed().split('\n')
      const own = lines.filter((line) => line.endsWith(` ${id}`))
      return new Set(own.map((line) => line.slice(0, line.indexOf(' '))))
    }
  },
)

function frame(framing: Framing, part: string): Uint8Array {
  return FRAMINGS[framing].frame(Buffer.from(part))
}
