import { createServer as createHttpServer } from 'node:http'
import { inspect } from 'node:util'
import { Agent, interceptors, MockAgent } from 'undici'
import { describe, expect, it } from 'vitest'
import { nodeTransport } from '../../src/node.ts'
import { createNodeTransport } from '../../src/node/node-transport.ts'
import { openAgent } from '../../src/node/undici.ts'
import { readJson } from '../support/project.ts'
import { BODY, LATE_MS, OK, post, read, run, runTcp } from '../support/tcp-endpoint.ts'
import type { Dispatcher } from 'undici'
import type { Socket } from 'node:net'

/** `tests/dispatcher` has what it shares with the dispatcher of Node: aborts, and bodies that are long or break off. */

/** Removes `maxRedirections` from each call. */
const dropBound: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { maxRedirections: _, ...others } = options as typeof options & { maxRedirections?: number }
  return dispatch(others, handler)
}

describe('the request', () => {
  it('is the POST, and asks for an uncompressed body that no cache stores', async () => {
    let received: unknown
    const server = createHttpServer((request, response) => {
      const { method, url, headers } = request
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        received = { method, url, headers, body }
        response.setHeader('x-said', 'yes').end('{"a":1}')
      })
    })
    const { port } = await run(server)
    // The config may add headers that ask for a compressed body.
    const headers = { 'x-secret': 's', 'accept-encoding': 'gzip', 'cache-control': 'max-age=60' }
    const response = await post(port, { headers })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-said')).toBe('yes')
    expect(await read(response)).toBe('{"a":1}')
    expect(received).toEqual({
      method: 'POST',
      url: '/validate?a=b',
      headers: {
        host: `127.0.0.1:${port}`,
        'user-agent': `with-auth/${readJson<{ version: string }>('package.json').version}`,
        connection: 'keep-alive',
        'content-length': String(BODY.length),
        'x-secret': 's',
        'accept-encoding': 'identity',
        'cache-control': 'no-store',
      },
      body: BODY,
    })
    expect(headers['accept-encoding']).toBe('gzip')
  })

  it('has the User-Agent of the config', async () => {
    const { port, questions } = await runTcp((socket) => socket.write(OK))
    await read(await post(port, { headers: { 'user-agent': 'mine' } }))
    expect(questions[0]).toContain('\r\nuser-agent: mine\r\n')
    expect(questions[0]).not.toContain('with-auth/')
  })

  it.each([301, 302, 303, 307, 308])(
    'is not sent to where a redirect %i leads, even if the dispatcher follows redirects',
    async (status) => {
      const elsewhere = await runTcp((socket) => socket.write(OK))
      const location = `http://127.0.0.1:${elsewhere.port}/validate`
      const head = `HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`
      const { port } = await runTcp((socket) => socket.write(head))
      const follow = interceptors.redirect({ maxRedirections: 5 })
      const dispatcher = new Agent().compose(follow)
      for (const transport of [nodeTransport(), nodeTransport({ dispatcher })]) {
        const response = await post(port, {}, transport)
        expect(response.status).toBe(status)
        expect(await read(response)).toBe('')
      }
      // An interceptor may drop `maxRedirections`, and another may hide the redirect.
      const unbounded = new Agent().compose(follow, dropBound)
      const retried = unbounded.compose(interceptors.retry({ methods: ['POST'] }))
      for (const disobedient of [unbounded, retried]) {
        const asked = post(port, {}, nodeTransport({ dispatcher: disobedient }))
        await expect(asked).rejects.toMatchObject({
          code: 'REDIRECTED',
          message: expect.stringContaining('followed a redirect') as unknown,
        })
      }
      expect(elsewhere.questions).toEqual([])
    },
  )

  it.each<[string, (socket: Socket) => unknown]>([
    ['closed', (socket) => socket.destroy()],
    ['reset', (socket) => socket.resetAndDestroy()],
    ['half-closed', (socket) => socket.end()],
  ])('is sent once on an idle connection that is %s', async (_how, hangUp) => {
    const transport = nodeTransport()
    const { port, questions } = await runTcp((socket, count) =>
      count === 1 ? socket.write(OK) : hangUp(socket),
    )
    await read(await post(port, {}, transport))
    await expect(post(port, {}, transport)).rejects.toThrow('No whole response')
    expect(questions).toHaveLength(2)
  })
})

describe('the response', () => {
  it.each([
    ['responseError', 401, interceptors.responseError()],
    ['responseError', 503, interceptors.responseError()],
    ['retry', 429, interceptors.retry()],
    ['retry', 503, interceptors.retry()],
  ])(
    'has its status even if the interceptor %s turns it into an error: %i',
    async (_name, status, made) => {
      const head = `HTTP/1.1 ${status} X\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}`
      const { port } = await runTcp((socket) => socket.write(head))
      const dispatcher = new Agent().compose(made)
      const response = await post(port, {}, nodeTransport({ dispatcher }))
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe('7')
      expect(await read(response)).toBe('')
    },
  )

  it('is an error without the token when the endpoint echoes it', async () => {
    const { port } = await runTcp((socket) => socket.write('the-token \r\n\r\n'))
    const error: unknown = await post(port).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('the-token')
  })

  it('is an error without the token when a MockAgent has no mock for the call', async () => {
    const mock = new MockAgent()
    mock.disableNetConnect()
    mock.get('http://127.0.0.1:9').intercept({ path: '/', method: 'POST', body: 'x' })
    const error: unknown = await post(9, {}, nodeTransport({ dispatcher: mock })).catch(
      (reason: unknown) => reason,
    )
    expect(String(error)).toContain('UND_MOCK_ERR_MOCK_NOT_MATCHED')
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('the-token')
  })

  it('is an error without the token when the dispatcher throws', async () => {
    const dispatch = (options: object): never => {
      throw new Error(JSON.stringify(options))
    }
    const transport = nodeTransport({ dispatcher: { dispatch } })
    const error: unknown = await post(9, {}, transport).catch((reason: unknown) => reason)
    expect(String(error)).toContain('No whole response')
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('the-token')
  })

  it('is a rejection for an invalid header name', async () => {
    await expect(post(1, { headers: { 'bad name': 'x' } })).rejects.toThrow('No whole response')
  })
})

describe('connections', () => {
  it('are at most `connections`: more calls wait', async () => {
    const held: Socket[] = []
    const { port, questions, sockets } = await runTcp((socket) => held.push(socket))
    const transport = nodeTransport({ connections: 2 })
    const calls = [1, 2, 3, 4].map(async () => read(await post(port, {}, transport)))
    for (let count = 1; count <= 4; count += 1) {
      await expect.poll(() => questions.length).toBe(Math.min(4, count + 1))
      held[count - 1]?.write(OK)
    }
    expect(await Promise.all(calls)).toEqual(['{}', '{}', '{}', '{}'])
    expect(sockets.size).toBe(2)
  })
})

describe('close', () => {
  it('closes idle connections, and rejects later calls', async () => {
    const transport = nodeTransport()
    // Without `close()` they stay open for longer than the test waits.
    const kept = OK.replace('content-length', 'keep-alive: timeout=60\r\ncontent-length')
    const { port, sockets, questions } = await runTcp((socket) => socket.write(kept))
    await read(await post(port, {}, transport))
    expect(sockets.size).toBe(1)
    await Promise.all([transport.close(), transport.close()])
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
    await expect(post(port, {}, transport)).rejects.toThrow('UND_ERR_CLOSED')
    expect(questions).toHaveLength(1)
    await transport.close()
  })

  it('waits for a running call', async () => {
    const transport = nodeTransport()
    const held: Socket[] = []
    const { port } = await runTcp((socket) => held.push(socket))
    const call = post(port, {}, transport).then(read)
    await expect.poll(() => held.length).toBe(1)
    const order: string[] = []
    const closed = transport.close().then(() => order.push('closed'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    order.push('answered')
    held[0]?.write(OK)
    expect(await call).toBe('{}')
    await closed
    expect(order).toEqual(['answered', 'closed'])
  })

  it('waits a limited time for a running call, which ends at its own deadline', async () => {
    const agent = openAgent({ connectTimeoutMs: 1000 })
    const transport = createNodeTransport(agent, agent, 50)
    const { port, sockets, questions } = await runTcp(() => undefined)
    const clock = new AbortController()
    const call = post(port, { signal: clock.signal }, transport).catch(String)
    await expect.poll(() => questions.length).toBe(1)
    await transport.close()
    expect(sockets.size).toBe(1)
    clock.abort()
    expect(await call).toContain('was aborted')
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
  })

  it('does not close a given dispatcher', async () => {
    const dispatcher = new Agent()
    const transport = nodeTransport({ dispatcher })
    const { port } = await runTcp((socket) => socket.write(OK))
    await read(await post(port, {}, transport))
    await transport.close()
    await expect(post(port, {}, transport)).rejects.toThrow('UND_ERR_CLOSED')
    expect(dispatcher.closed).toBe(false)
    expect(await read(await post(port, {}, nodeTransport({ dispatcher })))).toBe('{}')
    await dispatcher.close()
  })
})

it('does not keep the process alive', async () => {
  const active = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  // Those of tests before this one may be about to end.
  const before = active()
  const { port, sockets } = await runTcp((socket) => socket.write(OK))
  await read(await post(port))
  // Only the server's end of the connection counts.
  await expect.poll(() => active() - before, { timeout: LATE_MS }).toBeLessThan(2)
  expect(sockets.size).toBe(1)
})
