import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { inspect } from 'node:util'
import { Agent, interceptors, MockAgent } from 'undici'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nodeTransport } from '../../src/node.ts'
import { createNodeTransport } from '../../src/node/node-transport.ts'
import { openAgent } from '../../src/node/undici.ts'
import { close, listen } from '../support/loopback.ts'
import { readJson } from '../support/project.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'
import type { Dispatcher } from 'undici'
import type { RequestListener } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { Server, Socket } from 'node:net'
import type { NodeDispatcher, NodeTransportOptions } from '../../src/node.ts'
import type { Transport, TransportInit, TransportResponse } from '../../src/index.ts'

/** The rest is in `tests/endpoint-sockets.test.ts`, which asks through `fetch` and through this. */

const BODY = '{"api_key":"the-token"}'
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
const LATE_MS = 10_000

const running: { server: Server; sockets: Set<Socket> }[] = []

afterEach(async () => {
  for (const { server, sockets } of running.splice(0)) {
    const closed = close(server)
    for (const socket of sockets) socket.destroy()
    await closed
  }
})

async function run(server: Server): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  running.push({ server, sockets })
  return { port: await listen(server), sockets }
}

/** Answers each question with these bytes, and keeps what came. */
async function runTcp(answer: (socket: Socket, count: number) => unknown) {
  const questions: string[] = []
  const server = createTcpServer((socket) => {
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      const received = chunk.toString()
      // undici may write head and body apart.
      if (!received.includes('api_key')) return
      questions.push(received)
      answer(socket, questions.length)
    })
  })
  return { ...(await run(server)), questions }
}

function post(
  port: number,
  given: Partial<TransportInit> = {},
  transport: Transport = nodeTransport(),
): Promise<TransportResponse> {
  return transport(`http://127.0.0.1:${port}/validate?a=b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
    redirect: 'manual',
    signal: new AbortController().signal,
    ...given,
  })
}

async function read({ body }: TransportResponse): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of body as AsyncIterable<Uint8Array>) parts.push(part)
  return Buffer.concat(parts).toString()
}

function fail(): never {
  throw new Error('hunter2')
}

function identity(value: unknown): unknown {
  return value
}

/** Leaves out of each call how many redirects may be followed. */
const dropBound: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { maxRedirections: _, ...others } = options as typeof options & { maxRedirections?: number }
  return dispatch(others, handler)
}

describe('what is sent', () => {
  it('is the POST, for a body as it is', async () => {
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
    // What the config adds could ask for what is not unpacked.
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

  it('names the program that the config names', async () => {
    const { port, questions } = await runTcp((socket) => socket.write(OK))
    await read(await post(port, { headers: { 'user-agent': 'mine' } }))
    expect(questions[0]).toContain('\r\nuser-agent: mine\r\n')
    expect(questions[0]).not.toContain('with-auth/')
  })

  it('goes to the URL of each call', async () => {
    const transport = nodeTransport()
    const servers = [await runTcp((socket) => socket.write(OK)), await runTcp((s) => s.write(OK))]
    for (const { port } of [...servers, ...servers]) await read(await post(port, {}, transport))
    expect(servers.map(({ questions }) => questions.length)).toEqual([2, 2])
  })

  it.each([301, 302, 303, 307, 308])('A-E1: is not sent on, for a %i', async (status) => {
    const elsewhere = await runTcp((socket) => socket.write(OK))
    const location = `http://127.0.0.1:${elsewhere.port}/validate`
    const head = `HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`
    const { port } = await runTcp((socket) => socket.write(head))
    const response = await post(port)
    expect(response.status).toBe(status)
    expect(await read(response)).toBe('')
    expect(elsewhere.questions).toEqual([])
  })

  it.each([301, 302, 303, 307, 308])(
    'A-E1: is not sent on, for a %i, by a dispatcher that follows redirects',
    async (status) => {
      const elsewhere = await runTcp((socket) => socket.write(OK))
      const location = `http://127.0.0.1:${elsewhere.port}/validate`
      const head = `HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`
      const { port } = await runTcp((socket) => socket.write(head))
      const follow = interceptors.redirect({ maxRedirections: 5 })
      const dispatcher = new Agent().compose(follow)
      const response = await post(port, {}, nodeTransport({ dispatcher }))
      expect(response.status).toBe(status)
      // An interceptor may drop the bound, and another one may hide the redirect.
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
  ])('A-E20: is sent once on a kept connection that is %s', async (_how, hangUp) => {
    const transport = nodeTransport()
    const { port, questions } = await runTcp((socket, count) =>
      count === 1 ? socket.write(OK) : hangUp(socket),
    )
    await read(await post(port, {}, transport))
    await expect(post(port, {}, transport)).rejects.toThrow('No whole response')
    expect(questions).toHaveLength(2)
  })
})

describe('what comes back', () => {
  it('is the status, as soon as it is there', async () => {
    const { port } = await runTcp((socket) =>
      socket.write(
        'HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 403 No\r\ncontent-length: 9\r\n\r\n',
      ),
    )
    expect((await post(port)).status).toBe(403)
  })

  it('breaks off where the connection does', async () => {
    const { port } = await runTcp((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}'),
    )
    await expect(read(await post(port))).rejects.toThrow('No whole response')
  })

  it('A-E14: is left on the connection while nobody reads it, which ends with the reader', async () => {
    const piece = Buffer.alloc(65_536, 'x')
    let taken = (): number => 0
    const { port, sockets } = await runTcp((socket) => {
      taken = () => socket.bytesWritten - socket.writableLength
      const pump = (): void => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n')
      socket.on('drain', pump)
      pump()
    })
    const { body } = await post(port)
    const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    await chunks.next()
    let before = -1
    // What the buffers of the sockets hold is taken all the same.
    await expect
      .poll(() => [before, (before = taken())].every((count, _, [first]) => count === first), {
        interval: 100,
        timeout: LATE_MS,
      })
      .toBe(true)
    expect(taken()).toBeLessThan(24 * 1024 * 1024)
    await chunks.return?.()
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
  })

  it.each([
    ['responseError', 401, interceptors.responseError()],
    ['responseError', 503, interceptors.responseError()],
    ['retry', 429, interceptors.retry()],
    ['retry', 503, interceptors.retry()],
  ])('is the status that the interceptor %s makes an error of: %i', async (_name, status, made) => {
    const head = `HTTP/1.1 ${status} X\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}`
    const { port } = await runTcp((socket) => socket.write(head))
    const dispatcher = new Agent().compose(made)
    const response = await post(port, {}, nodeTransport({ dispatcher }))
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await read(response)).toBe('')
  })

  it('A-L: is no error with what was sent or received in it', async () => {
    const { port } = await runTcp((socket) => socket.write('the-token \r\n\r\n'))
    const error: unknown = await post(port).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('the-token')
  })

  it('A-L: is no error with what was sent in it, of a MockAgent that expected something else', async () => {
    const mock = new MockAgent()
    mock.disableNetConnect()
    mock.get('http://127.0.0.1:9').intercept({ path: '/', method: 'POST', body: 'x' })
    const error: unknown = await post(9, {}, nodeTransport({ dispatcher: mock })).catch(
      (reason: unknown) => reason,
    )
    expect(String(error)).toContain('UND_MOCK_ERR_MOCK_NOT_MATCHED')
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('the-token')
  })

  it('is a rejection for what is no HTTP request', async () => {
    await expect(post(1, { headers: { 'bad name': 'x' } })).rejects.toThrow('No whole response')
  })
})

describe('connections', () => {
  it('are as many as there are calls', async () => {
    const { port, questions, sockets } = await runTcp(() => undefined)
    const clock = new AbortController()
    const transport = nodeTransport()
    const calls = [1, 2, 3].map(async () => post(port, { signal: clock.signal }, transport))
    await expect.poll(() => questions.length).toBe(3)
    expect(sockets.size).toBe(3)
    clock.abort()
    await Promise.allSettled(calls)
  })

  it('are bounded by "connections": the other calls wait', async () => {
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

describe('an abort', () => {
  it.each([
    ['before a response', () => true],
    [
      'in the body',
      (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'),
    ],
  ])('frees the socket: %s', async (_when, answer) => {
    const clock = new AbortController()
    const { port, sockets, questions } = await runTcp(answer)
    const reading = post(port, { signal: clock.signal }).then(read)
    await expect.poll(() => questions.length).toBe(1)
    clock.abort()
    await expect(reading).rejects.toThrow('was aborted')
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
  })

  it('of a call that waits for a connection keeps it from being sent', async () => {
    const transport = nodeTransport({ connections: 1 })
    const held: Socket[] = []
    const { port, questions } = await runTcp((socket) => held.push(socket))
    const first = post(port, {}, transport)
    await expect.poll(() => held.length).toBe(1)
    const clock = new AbortController()
    const second = post(port, { signal: clock.signal }, transport)
    clock.abort()
    await expect(second).rejects.toThrow('was aborted')
    held[0]?.write(OK)
    await read(await first)
    const third = post(port, {}, transport)
    await expect.poll(() => held.length).toBe(2)
    held[1]?.write(OK)
    await read(await third)
    expect(questions).toHaveLength(2)
  })
})

describe('close', () => {
  it('ends idle connections; a later call is rejected, and sent nowhere', async () => {
    const transport = nodeTransport()
    const { port, sockets, questions } = await runTcp((socket) => socket.write(OK))
    await read(await post(port, {}, transport))
    expect(sockets.size).toBe(1)
    await Promise.all([transport.close(), transport.close()])
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
    await expect(post(port, {}, transport)).rejects.toThrow('UND_ERR_CLOSED')
    expect(questions).toHaveLength(1)
    await transport.close()
  })

  it('lets a call under way end', async () => {
    const transport = nodeTransport()
    const held: Socket[] = []
    const { port } = await runTcp((socket) => held.push(socket))
    const call = post(port, {}, transport).then(read)
    await expect.poll(() => held.length).toBe(1)
    const closed = transport.close()
    held[0]?.write(OK)
    expect(await call).toBe('{}')
    await closed
  })

  it('waits no longer for a call that does not end, which ends at its own deadline', async () => {
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

  it('leaves open a dispatcher that was given', async () => {
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

describe('TLS', () => {
  const { cert, key } = SELF_SIGNED
  const hello: RequestListener = (_request, response) => response.end('{}')

  async function ask(server: ServerOptions, options: NodeTransportOptions): Promise<number> {
    const { port } = await run(createHttpsServer({ cert, key, ...server }, hello))
    const signal = AbortSignal.timeout(LATE_MS)
    const init = { method: 'POST', headers: {}, body: BODY, redirect: 'manual', signal } as const
    const response = await nodeTransport(options)(`https://localhost:${port}/`, init)
    await read(response)
    return response.status
  }

  it('trusts who signed what is in "ca", and nobody else', async () => {
    expect(await ask({}, { ca: cert })).toBe(200)
    await expect(ask({}, {})).rejects.toThrow('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it('shows the certificate to who asks for one', async () => {
    const strict = { requestCert: true, rejectUnauthorized: true, ca: cert }
    expect(await ask(strict, { ca: cert, cert, key })).toBe(200)
    await expect(ask(strict, { ca: cert })).rejects.toThrow('No whole response')
  })

  describe('from functions', () => {
    it('is read for each new connection: a rotated file needs no new transport', async () => {
      let pair = SELF_SIGNED
      const transport = nodeTransport({
        ca: () => [pair.cert],
        cert: () => Buffer.from(pair.cert),
        key: () => pair.key,
      })
      const askServer = async (own: typeof pair): Promise<number> => {
        const strict = { ...own, requestCert: true, rejectUnauthorized: true, ca: own.cert }
        const { port } = await run(createHttpsServer(strict, hello))
        const init = { method: 'POST', headers: {}, body: BODY, redirect: 'manual' } as const
        const signal = AbortSignal.timeout(LATE_MS)
        const response = await transport(`https://localhost:${port}/`, { ...init, signal })
        await read(response)
        return response.status
      }
      expect(await askServer(SELF_SIGNED)).toBe(200)
      await expect(askServer(ROTATED)).rejects.toThrow('No whole response')
      pair = ROTATED
      expect(await askServer(ROTATED)).toBe(200)
      await expect(askServer(SELF_SIGNED)).rejects.toThrow('No whole response')
      await transport.close()
    })

    it.each<[string, () => string]>([
      ['throws', fail],
      ['returns no certificate', () => 'hunter2'],
      ['returns nothing', () => undefined as unknown as string],
    ])('A-L: fails the calls alone while one %s, and shows nothing of it', async (_how, broken) => {
      let ca = (): string => cert
      const transport = nodeTransport({ ca: () => ca() })
      const { port } = await run(createHttpsServer({ cert, key }, hello))
      const signal = AbortSignal.timeout(LATE_MS)
      const init = { method: 'POST', headers: {}, body: BODY, redirect: 'manual', signal } as const
      const askAgain = async (): Promise<string> =>
        read(await transport(`https://localhost:${port}/`, init))
      ca = broken
      const errors = await Promise.all([askAgain().catch(identity), askAgain().catch(identity)])
      for (const error of errors) expect(String(error)).toContain('CERT_UNREADABLE')
      expect(inspect(errors, { depth: null, showHidden: true })).not.toContain('hunter2')
      ca = () => cert
      expect(await askAgain()).toBe('{}')
    })
  })

  it('gives up a handshake that does not end', async () => {
    const { port, sockets } = await run(createTcpServer((socket) => socket.resume()))
    const transport = nodeTransport({ connectTimeoutMs: 50 })
    const { signal } = new AbortController()
    const init = { method: 'POST', headers: {}, body: BODY, redirect: 'manual', signal } as const
    await expect(transport(`https://localhost:${port}/`, init)).rejects.toThrow(
      'UND_ERR_CONNECT_TIMEOUT',
    )
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
  })
})

it('reads the URL of the endpoint once, and each other one anew', async () => {
  const asked: string[] = []
  const dispatch: NodeDispatcher['dispatch'] = ({ origin, path }, handler) => {
    asked.push(`${origin}${path}`)
    handler.onResponseStart({ pause: vi.fn(), resume: vi.fn(), abort: vi.fn() }, 200, {})
    return true
  }
  const transport = nodeTransport({ dispatcher: { dispatch } })
  const parsed: string[] = []
  class CountedURL extends URL {
    constructor(url: string) {
      super(url)
      parsed.push(url)
    }
  }
  vi.stubGlobal('URL', CountedURL)
  const { signal } = new AbortController()
  const init = { method: 'POST', headers: {}, body: '', redirect: 'manual', signal } as const
  const urls = ['https://a.example/x?y', 'https://a.example/x?y', 'https://b.example/']
  for (const url of urls) await transport(url, init)
  vi.unstubAllGlobals()
  expect(asked).toEqual(urls)
  expect(parsed).toEqual(['https://a.example/x?y', 'https://b.example/'])
})

it('keeps no process alive', async () => {
  const active = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  const before = active()
  const { port, sockets } = await runTcp((socket) => socket.write(OK))
  await read(await post(port))
  // The server's end of it, and not ours, though both are there.
  await expect.poll(active, { timeout: LATE_MS }).toBe(before + 1)
  expect(sockets.size).toBe(1)
})
