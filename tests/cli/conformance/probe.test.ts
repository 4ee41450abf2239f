import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { probe } from '../../../src/cli/conformance/probe.ts'
import { close, listen } from '../../support/loopback.ts'
import type { RequestListener, Server } from 'node:http'

let server: Server | undefined
afterEach(async () => {
  if (server !== undefined) await close(server)
})

async function ask(answer: RequestListener, timeoutMs = 5000) {
  server = createServer(answer)
  const url = `http://127.0.0.1:${await listen(server)}/validate`
  return probe({ url, headers: { 'x-secret': 's' }, timeoutMs }, '{"api_key":')
}

const CLOSED: unknown = expect.stringMatching(/^(?:UND_ERR_SOCKET|ECONNRESET)$/)

describe('a probe', () => {
  it('sends a POST with the given body', async () => {
    let seen: unknown
    const outcome = await ask((request, response) => {
      request.setEncoding('utf8').on('data', (body) => {
        const { 'content-type': type, 'x-secret': secret } = request.headers
        seen = { method: request.method, type, secret, body }
        response.writeHead(401).end('no')
      })
    })
    expect(seen).toEqual({
      method: 'POST',
      type: 'application/json',
      secret: 's',
      body: '{"api_key":',
    })
    expect(outcome).toMatchObject({ status: 401, body: 'no' })
  })

  it('follows no redirect', async () => {
    const outcome = await ask((_, response) =>
      response.writeHead(302, { location: '/login' }).end(),
    )
    expect(outcome).toMatchObject({ status: 302 })
  })

  it('times out while waiting for the head or the body', async () => {
    expect(await ask(() => undefined, 30)).toMatchObject({
      status: 0,
      silence: { reason: 'timeout' },
    })
    await close(server as Server)
    const half = await ask((_, response) => void response.writeHead(200).write('{'), 100)
    expect(half).toMatchObject({ status: 200, body: undefined })
  })

  it('reports a broken connection and a body that is too long', async () => {
    const broken = await ask((request) => request.socket.destroy())
    expect(broken).toMatchObject({ status: 0, silence: { reason: 'unreachable', code: CLOSED } })
    await close(server as Server)
    const long = await ask((_, response) => void response.end('x'.repeat(70_000)))
    expect(long).toMatchObject({ status: 200, body: undefined })
  })
})
