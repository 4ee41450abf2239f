import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAuthenticator, getAuth, withAuth } from '../src/index.ts'
import { nodeTransport } from '../src/node.ts'
import { close, listen } from './support/loopback.ts'
import { get } from './support/requests.ts'
import { SELF_SIGNED } from './support/self-signed-certificate.ts'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { AuthConfig, AuthEvent, TransportInit } from '../src/index.ts'

/** What only real sockets show. The titles name the rows of the threat catalogue. */

const MIB = 1024 * 1024
const TIMEOUT_MS = 200
// A busy machine may be late by far, but not for ever.
const LATE_MS = 10_000
const HEAD_200 = 'HTTP/1.1 200 OK\r\n'
const LONG_BODY = 'content-type: text/plain\r\ncontent-length: 100000\r\n\r\n'

interface Sockets {
  readonly open: Set<Socket>
  /** Those of them that a question came on. */
  readonly asked: Set<Socket>
  /** How many there were, in all. */
  accepted: number
  /** How many were open at once, at most. */
  peak: number
}

interface Running {
  readonly port: number
  readonly url: string
  readonly sockets: Sockets
}

interface Outcome {
  readonly status: number
  readonly code: string | undefined
  readonly handled: number
  readonly attempts: number | undefined
  readonly elapsedMs: number
}

const running: { readonly server: Server; readonly sockets: Sockets }[] = []

afterEach(async () => {
  for (const { server, sockets } of running.splice(0)) {
    const closed = close(server)
    // A plain TCP server waits for its clients to leave.
    for (const socket of sockets.open) socket.destroy()
    await closed
  }
})

async function run(server: Server): Promise<Running> {
  const sockets: Sockets = { open: new Set(), asked: new Set(), accepted: 0, peak: 0 }
  server.on('connection', (socket: Socket) => {
    sockets.open.add(socket)
    sockets.accepted += 1
    sockets.peak = Math.max(sockets.peak, sockets.open.size)
    socket.on('data', () => sockets.asked.add(socket))
    socket.on('close', () => {
      sockets.open.delete(socket)
      sockets.asked.delete(socket)
    })
    // The other end hangs up in many of these tests.
    socket.on('error', () => undefined)
  })
  running.push({ server, sockets })
  const port = await listen(server)
  return { port, url: `http://127.0.0.1:${port}/`, sockets }
}

function runHttp(answer: RequestListener): Promise<Running> {
  const server = createHttpServer((request, response) => {
    request.resume().on('end', () => answer(request, response))
  })
  server.keepAliveTimeout = 60_000
  return run(server)
}

/** Leaves open what the client has half closed, as `createServer` alone would not. */
function runTcp(accept: (socket: Socket) => void): Promise<Running> {
  return run(createTcpServer({ allowHalfOpen: true }, accept))
}

/** What makes the POST: plain, and trusting the certificate of these tests. */
interface Way {
  readonly plain: AuthConfig
  readonly trusting: AuthConfig
}

type Guard = (config: AuthConfig) => (token?: string) => Promise<Outcome>

const WAYS: readonly (readonly [string, Way])[] = [
  ['fetch', { plain: {}, trusting: { fetch: fetchWithTrust } }],
  [
    'nodeTransport',
    {
      plain: { fetch: nodeTransport() },
      trusting: { fetch: nodeTransport({ ca: SELF_SIGNED.cert }) },
    },
  ],
]

function guardOver({ plain }: Way): Guard {
  return (config) => createGuard({ ...plain, ...config })
}

/** Makes a guard, and returns what sends a request through it. */
function createGuard(config: AuthConfig): (token?: string) => Promise<Outcome> {
  const handler = vi.fn(() => new Response('secret'))
  let attempts: number | undefined
  const onEvent = (event: AuthEvent): void => {
    if (event.type === 'decision') ({ attempts } = event)
  }
  const guarded = withAuth(handler, { ...config, onEvent })
  return async (token = 'good') => {
    const [before, startedAt] = [handler.mock.calls.length, performance.now()]
    const response = await guarded(get('/', token))
    const elapsedMs = performance.now() - startedAt
    const handled = handler.mock.calls.length - before
    const code = await codeOf(response)
    return { status: response.status, code, handled, attempts, elapsedMs }
  }
}

async function codeOf(response: Response): Promise<string | undefined> {
  if (response.status === 200) return undefined
  return ((await response.json()) as { error: { code: string } }).error.code
}

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createTcpServer()
  const port = await listen(server)
  await close(server)
  return port
}

const ALLOWED = { status: 200, handled: 1 }
const refused = (code: string): Partial<Outcome> => ({ status: 401, code, handled: 0 })

describe.each(WAYS)('A-E20 the connection is used again, over %s', (_name, way) => {
  const guard = guardOver(way)
  const TEXT = 'x'.repeat(2048)
  const HTML = `<html><body>${TEXT}</body></html>`
  const write =
    (status: number, body: string, headers: Record<string, string | number> = {}) =>
    (response: ServerResponse): unknown =>
      response
        .writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
        .end(body)
  const chunked = (response: ServerResponse): unknown => {
    response.writeHead(401).write(TEXT.slice(0, 1024))
    return response.end(TEXT.slice(1024))
  }
  const answers = {
    'a 401 with 2 KB': write(401, TEXT),
    'a 401 with 2 KB in chunks': chunked,
    'a 403 with a page': write(403, HTML, { 'content-type': 'text/html' }),
    'a 404 with a page': write(404, HTML, { 'content-type': 'text/html' }),
    'a 500 with a body': write(500, TEXT),
    'a 200 with an identity': write(200, JSON.stringify({ principal: 'alice' })),
    'a 200 with a body that nobody wants': write(200, HTML),
  }

  it.each(Object.entries(answers))('after %s', async (_what, answer) => {
    const { url, sockets } = await runHttp((_request, response) => answer(response))
    const ask = guard({ endpoint: url, circuitBreaker: false })
    for (let count = 0; count < 30; count += 1) await ask()
    expect(sockets.accepted).toBeLessThanOrEqual(2)
  })

  it('after all of them in turn', async () => {
    const turns = Object.values(answers)
    let turn = 0
    const { url, sockets } = await runHttp((_request, response) => {
      turns[turn % turns.length]?.(response)
      turn += 1
    })
    const ask = guard({ endpoint: url, circuitBreaker: false })
    for (let count = 0; count < 30; count += 1) await ask()
    expect(turn).toBe(30)
    expect(sockets.accepted).toBeLessThanOrEqual(2)
  })
})

describe.each(WAYS)('A-E20 a body that comes after its head, over %s', (_name, way) => {
  const CLIENTS = 150
  const BODY_MS = 100

  it('keeps its connection while many others do', async () => {
    let ended = 0
    const { url, sockets } = await runHttp((_request, response) => {
      response.writeHead(401, { 'content-length': 2 }).flushHeaders()
      response.on('close', () => {
        ended += 1
      })
      setTimeout(() => response.end('no'), BODY_MS)
    })
    const ask = guardOver(way)({ endpoint: url, timeoutMs: LATE_MS })
    for (const round of [1, 2]) {
      const clients = Array.from({ length: CLIENTS }, (_, index) => ask(`random-${round}-${index}`))
      for (const outcome of await Promise.all(clients)) {
        expect(outcome).toMatchObject(refused('denied'))
      }
      await expect.poll(() => ended, { timeout: LATE_MS }).toBe(round * CLIENTS)
    }
    // Both rounds together need no more than one alone: none was closed, and none opened in its place.
    expect(sockets.accepted).toBeLessThanOrEqual(CLIENTS)
    expect(sockets.open.size).toBe(sockets.accepted)
  })
})

describe.each(WAYS)('A-E15 a gzip bomb (undici CVE-2026-22036), over %s', (_name, way) => {
  const guard = guardOver(way)
  // 50 members of 1 MB each: to make one of 50 MB would itself take the memory that is measured.
  const member = gzipSync(Buffer.alloc(MIB))
  const bomb = Buffer.concat(Array.from({ length: 50 }, () => member))

  const serveBomb = (): Promise<Running> =>
    runHttp((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length })
      response.end(bomb)
    })
  const used = (): number => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  /** The most memory that was in use while something ran, above what was before. */
  async function growthOf(task: () => Promise<unknown>): Promise<number> {
    const before = used()
    let most = before
    const timer = setInterval(() => {
      most = Math.max(most, used())
    }, 1)
    await task()
    clearInterval(timer)
    return Math.max(most, used()) - before
  }

  it.each([
    ['is no identity, and none is needed', 'optional', ALLOWED],
    ['is no identity where one is required', 'required', refused('invalid_response')],
  ] as const)('%s, and fills no memory', async (_what, identity, expected) => {
    const { url } = await serveBomb()
    const ask = guard({ endpoint: url, identity, timeoutMs: LATE_MS })
    let outcome: Outcome | undefined
    const growth = await growthOf(async () => {
      outcome = await ask()
    })
    expect(outcome).toMatchObject(expected)
    expect(growth).toBeLessThan(30 * MIB)
    expect(outcome?.elapsedMs).toBeLessThan(LATE_MS / 2)
  })

  it('names nobody', async () => {
    const { url } = await serveBomb()
    const guarded = withAuth((request) => Response.json(getAuth(request)), {
      ...way.plain,
      endpoint: url,
    })
    const response = await guarded(get('/', 'good'))
    expect(await response.json()).toEqual({ attributes: {} })
  })
})

describe.each(WAYS)('A-E21 TLS that fails, over %s', (_name, way) => {
  const guard = guardOver(way)
  const allow: RequestListener = (_request, response) => response.end('{}')
  const runTls = (): Promise<Running> => run(createHttpsServer(SELF_SIGNED, allow))

  it('a certificate that signed itself', async () => {
    const { port } = await runTls()
    const ask = guard({ endpoint: `https://localhost:${port}/` })
    expect(await ask()).toMatchObject(refused('unreachable'))
  })

  it('a certificate that is trusted, of another host', async () => {
    const { port } = await runTls()
    const [right, wrong] = ['localhost', '127.0.0.1'].map((host) =>
      guard({ endpoint: `https://${host}:${port}/`, ...way.trusting }),
    )
    // Else the second would prove nothing.
    expect(await right?.()).toMatchObject(ALLOWED)
    expect(await wrong?.()).toMatchObject(refused('unreachable'))
  })

  it('plain HTTP to a TLS port', async () => {
    const { url } = await runTls()
    expect(await guard({ endpoint: url })()).toMatchObject(refused('unreachable'))
  })

  it('HTTPS to a plain port', async () => {
    const { port } = await runHttp(allow)
    const ask = guard({ endpoint: `https://127.0.0.1:${port}/` })
    expect(await ask()).toMatchObject(refused('unreachable'))
  })
})

type Agent = new (options: { connect: { ca: string } }) => object

/** The `fetch` of Node, trusting the certificate of these tests, which only its own agent can be told. */
async function fetchWithTrust(url: string, init: TransportInit): Promise<Response> {
  // Node makes its agent with the first fetch.
  await fetch('data:,')
  const key = Object.getOwnPropertySymbols(globalThis).find((symbol) =>
    symbol.description?.startsWith('undici.globalDispatcher'),
  )
  const { constructor } = Reflect.get(globalThis, key ?? '') as { constructor: Agent }
  const dispatcher = new constructor({ connect: { ca: SELF_SIGNED.cert } })
  return fetch(url, { ...init, dispatcher } as RequestInit)
}

describe.each(WAYS)(
  'A-E18 and A-E13 an endpoint that keeps the check waiting, over %s',
  (_name, way) => {
    const guard = guardOver(way)
    /** Sends a piece again and again, and never an end. */
    const drip =
      (head: string, piece: string) =>
      (socket: Socket): void => {
        socket.write(head)
        const timer = setInterval(() => socket.write(piece), 20)
        socket.on('close', () => clearInterval(timer))
      }
    const silent = (socket: Socket): unknown => socket.resume()
    const headers = drip(HEAD_200, 'x-more: 1\r\n')
    const body = (status: string): ((socket: Socket) => void) =>
      drip(`HTTP/1.1 ${status}\r\n${LONG_BODY}`, 'x')

    it.each([
      ['A-E18 accepts and says nothing', silent, 'optional', refused('timeout')],
      ['A-E18 sends header after header', headers, 'optional', refused('timeout')],
      ['A-E13 drips the body of a 200', body('200 OK'), 'optional', ALLOWED],
      ['A-E13 drips an identity that is required', body('200 OK'), 'required', refused('timeout')],
    ] as const)('%s: it ends at the deadline', async (_what, accept, identity, expected) => {
      const { url, sockets } = await runTcp((socket) => {
        // The end of the client must be seen, and its half-close answered.
        socket.on('end', () => socket.end()).resume()
        accept(socket)
      })
      const outcome = await guard({ endpoint: url, identity, timeoutMs: TIMEOUT_MS })()
      expect(outcome).toMatchObject(expected)
      expect(outcome.elapsedMs).toBeGreaterThan(TIMEOUT_MS * 0.9)
      expect(outcome.elapsedMs).toBeLessThan(LATE_MS)
      // Node's fetch replaces a connection that it has aborted by a spare one, on which nothing was asked.
      await expect.poll(() => sockets.asked.size, { timeout: LATE_MS }).toBe(0)
      expect(sockets.accepted).toBeLessThanOrEqual(2)
    })

    it.each([
      ['401 No', 'denied'],
      ['302 Found', 'denied'],
      ['429 Slow', 'rate_limited'],
      ['500 No', 'service_error'],
    ] as const)(
      'A-E13 drips the body of a %s: the head decides, and the connection ends after a second',
      async (status, code) => {
        const { url, sockets } = await runTcp((socket) => {
          socket.on('end', () => socket.end())
          socket.once('data', () => body(status)(socket))
        })
        const outcome = await guard({ endpoint: url, timeoutMs: LATE_MS })()
        expect(outcome).toMatchObject(refused(code))
        expect(outcome.elapsedMs).toBeLessThan(900)
        await expect.poll(() => sockets.asked.size, { timeout: LATE_MS }).toBe(0)
        expect(sockets.accepted).toBeLessThanOrEqual(2)
      },
    )
  },
)

describe.each(WAYS)('A-E19 an endpoint that hangs up, over %s', (_name, way) => {
  const guard = guardOver(way)
  it('refuses the connection', async () => {
    const ask = guard({ endpoint: `http://127.0.0.1:${await closedPort()}/` })
    expect(await ask()).toMatchObject({ ...refused('unreachable'), attempts: 2 })
  })

  it.each<[string, (socket: Socket) => unknown]>([
    ['resets it at once', (socket) => socket.resetAndDestroy()],
    ['closes it when the question comes', (socket) => socket.once('data', () => socket.destroy())],
    ['half-closes it when the question comes', (socket) => socket.once('data', () => socket.end())],
    ['half-closes it at once', (socket) => socket.resume().end()],
    ['breaks off in the status line', (socket) => socket.resume().end('HTTP/1.1 20')],
  ])('%s: it is asked twice, and the request refused', async (_what, accept) => {
    const { url, sockets } = await runTcp(accept)
    const outcome = await guard({ endpoint: url })()
    expect(outcome).toMatchObject({ ...refused('unreachable'), attempts: 2 })
    expect(sockets.accepted).toBe(2)
  })

  it('A-E20 closed the connection that the question is sent on: the caller sees nothing', async () => {
    const used = new WeakSet<Socket>()
    let hungUp = 0
    const { url } = await runHttp(({ socket }, response) => {
      if (hungUp > 0 || !used.has(socket)) {
        used.add(socket)
        return response.end('{}')
      }
      // What a server does whose idle time ends while the question is under way.
      hungUp += 1
      return socket.destroy()
    })
    const ask = guard({ endpoint: url })
    // Which of them come on a used connection is up to the fetch.
    const outcomes = [await ask(), await ask(), await ask(), await ask()]
    expect(outcomes).toMatchObject(outcomes.map(() => ALLOWED))
    expect(hungUp).toBe(1)
    expect(outcomes.filter(({ attempts }) => attempts === 2)).toHaveLength(1)
  })

  it('A-E20 closed an idle connection: the caller sees nothing', async () => {
    const { url, sockets } = await runHttp(({ socket }, response) => {
      response.end('{}', () => setTimeout(() => socket.destroy(), 5))
    })
    const ask = guard({ endpoint: url })
    expect(await ask()).toMatchObject(ALLOWED)
    await expect.poll(() => sockets.open.size, { timeout: LATE_MS }).toBe(0)
    expect(await ask()).toMatchObject(ALLOWED)
  })
})

describe.each(WAYS)('A-D2 an endpoint that hangs, over %s', (_name, way) => {
  const guard = guardOver(way)
  const CLIENTS = 500
  // A quarter of the 64 calls is for known tokens.
  const UNKNOWN = 48
  // Node's fetch may keep an idle connection or two beside those that are in use.
  const SPARE = 4

  it('holds at most 64 sockets for 500 clients, and cached callers notice nothing', async () => {
    let isHanging = false
    let held = 0
    let mostHeld = 0
    const { url, sockets } = await runHttp((_request, response) => {
      if (!isHanging) return response.end('{}')
      held += 1
      mostHeld = Math.max(mostHeld, held)
      return response.on('close', () => {
        held -= 1
      })
    })
    const ask = guard({
      endpoint: url,
      timeoutMs: 1500,
      circuitBreaker: false,
      context: { headers: [] },
      cache: { allowTtlMs: 600_000 },
    })
    expect(await ask('kept')).toMatchObject(ALLOWED)
    isHanging = true
    const clients = Array.from({ length: CLIENTS }, (_, index) => ask(`token-${index}`))
    await expect.poll(() => held, { interval: 5, timeout: LATE_MS }).toBe(UNKNOWN)
    expect(await ask('kept')).toMatchObject({ status: 200, attempts: 0 })
    expect(mostHeld).toBe(UNKNOWN)
    expect(sockets.peak).toBeLessThanOrEqual(64 + SPARE)

    const outcomes = await Promise.all(clients)
    // Who waits for a turn is refused when too little time is left for a call.
    for (const { code } of outcomes) expect(['timeout', 'overloaded']).toContain(code)
    // Node's fetch replaces each connection that it has aborted by a spare one, and drops that after some seconds.
    await expect.poll(() => sockets.open.size, { timeout: 20_000 }).toBeLessThanOrEqual(SPARE)
    expect(sockets.peak).toBeLessThanOrEqual(2 * 64 + SPARE)
  }, 40_000)
})

describe.each(WAYS)('a flood of random tokens, over %s', (_name, { plain }) => {
  const KNOWN = ['alice', 'bob', 'carol']
  const tokenOf = (question: string): string =>
    (JSON.parse(question) as { api_key: string }).api_key

  /** An endpoint that knows three tokens, and does with a question about any other what it is told to. */
  function runKnowing(answerOther: (response: ServerResponse) => void): Promise<Running> {
    const server = createHttpServer((request, response) => {
      let question = ''
      request.setEncoding('utf8').on('data', (text: string) => {
        question += text
      })
      request.on('end', () => {
        if (!KNOWN.includes(tokenOf(question))) return answerOther(response)
        return setTimeout(() => response.end(), 20)
      })
    })
    server.keepAliveTimeout = 60_000
    return run(server)
  }

  it.each<[string, (response: ServerResponse) => void]>([
    ['denies them', (response) => setTimeout(() => response.writeHead(401).end(), 20)],
    ['leaves them without an answer', () => undefined],
    ['hangs up on them', (response) => response.destroy()],
  ])(
    'rejects none that was allowed before, where the endpoint %s',
    { timeout: 60_000 },
    async (_what, answer) => {
      const { url } = await runKnowing(answer)
      const authenticate = createAuthenticator({
        ...plain,
        endpoint: url,
        // On a busy machine a call may take long. The flood does not cause that.
        timeoutMs: 4000,
        concurrency: { maxInFlight: 8, maxWaiting: 16 },
      })
      const ask = async (token: string): Promise<string> => {
        const result = await authenticate(get('/', token))
        return result.ok ? 'allow' : result.reason
      }
      for (const token of KNOWN) expect(await ask(token)).toBe('allow')
      const flood = { isOver: false, reasons: new Set<string>() }
      const flooder = async (_: unknown, client: number): Promise<void> => {
        for (let turn = 0; !flood.isOver; turn += 1) {
          flood.reasons.add(await ask(`random-${client}-${turn}`))
          // A client over a socket takes a turn of the loop, too.
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
      const flooders = Array.from({ length: 60 }, flooder)
      const outcomes = new Set<string>()
      for (let turn = 0; turn < 20; turn += 1) {
        for (const outcome of await Promise.all(KNOWN.map(ask))) outcomes.add(outcome)
      }
      flood.isOver = true
      await Promise.all(flooders)
      expect(outcomes).toEqual(new Set(['allow']))
      // Otherwise nothing was in short supply.
      expect(flood.reasons).toContain('overloaded')
    },
  )
})
