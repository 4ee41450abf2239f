import { once } from 'node:events'
import http, { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { UsageError } from '../../src/cli/errors.ts'
import {
  addressOptions,
  listen,
  nameAddress,
  readAddress,
  serveUntilStopped,
} from '../../src/cli/serving/serve.ts'
import { close, listen as listenOn } from '../support/loopback.ts'
import { head, openSocket, sendRaw } from '../support/raw-client.ts'
import { createSurroundings } from '../support/surroundings.ts'
import type { Address, Serving } from '../../src/cli/serving/serve.ts'

const FREE = { host: '127.0.0.1', port: 0 }
const servings: Serving[] = []
afterEach(() => Promise.all(servings.splice(0).map((serving) => serving.close('now'))))

async function serve(fetch: (request: Request) => Response): Promise<Serving> {
  const serving = await listen(fetch, FREE)
  servings.push(serving)
  return serving
}

/** A body that stays open until `end`. */
function openBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const send = (text: string) => writer.write(new TextEncoder().encode(text))
  // The first chunk sends the head. A cut connection rejects it, which must not stay unhandled.
  send('early ').catch(() => undefined)
  return { readable, send, end: () => writer.close() }
}

/** Sends a GET. Returns the status or the code of the error. */
function request(url: string, agent: Agent): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const asking = get(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    asking.on('error', (error) => resolve('code' in error ? String(error.code) : ''))
  })
}

describe('an address that cannot be used', () => {
  it('is reported by its option', async () => {
    const taken = createServer()
    const address = { host: '127.0.0.1', port: await listenOn(taken) }
    const elsewhere = { host: '192.0.2.1', port: 0 }
    const serveAt = (at: typeof FREE) => listen(() => new Response(), at).catch(nameAddress(at))
    await expect(serveAt(address)).rejects.toMatchObject({
      message: `--port ${address.port} is in use on 127.0.0.1: choose another port, or 0 for a free one`,
      cause: { code: 'EADDRINUSE' },
    })
    await close(taken)
    await expect(serveAt(elsewhere)).rejects.toThrow(
      new UsageError('--host must be an address of this machine, received "192.0.2.1"'),
    )
  })

  it('is reported if not permitted; other errors stay the same', () => {
    const fail = nameAddress({ host: 'localhost', port: 80 })
    expect(() => fail(Object.assign(new Error('listen'), { code: 'EACCES' }))).toThrow(
      '--port 80 is not permitted on localhost: choose another port, or 0 for a free one',
    )
    const unknown = new Error('failed to lookup address information: Name or service not known')
    const dns = ['ENOTFOUND', 'EAI_AGAIN'].map((code) => Object.assign(new Error('dns'), { code }))
    for (const other of [...dns, unknown]) {
      expect(() => fail(other)).toThrow(UsageError)
    }
    const inUse = Object.assign(new Error('listen'), { code: 'EADDRINUSE' })
    expect(() => fail(inUse)).toThrow('--port 80 is in use')
    expect(() => nameAddress({ host: 'h', port: 0 })(inUse)).toThrow(UsageError)
    const error = new Error('other')
    expect(() => fail(error)).toThrow(error)
  })
})

it('names and explains each option of an address', () => {
  const words = Object.values(addressOptions(8320)).flatMap(({ value, help }) => [value, help])
  expect(words.map((word) => /[A-Za-z]/.test(word ?? ''))).toEqual(Array(6).fill(true))
})

describe('an idle connection', () => {
  const kept = async (address: typeof FREE & { keepAliveMs?: number }): Promise<string> => {
    const serving = await listen(() => new Response('here'), address)
    servings.push(serving)
    const port = Number(new URL(serving.url).port)
    const socket = await openSocket(port)
    socket.write(head('GET /', 'Host: a'))
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return String(bytes)
  }

  it('lives longer than at common load balancers, or as long as given', async () => {
    expect(await kept(FREE)).toContain('\r\nKeep-Alive: timeout=75\r\n')
    expect(await kept({ ...FREE, keepAliveMs: 600_000 })).toContain('Keep-Alive: timeout=600\r\n')
    const line = readCommandLine(['--keep-alive-ms=5000'], addressOptions(8320))
    expect(readAddress(line, 8320)).toMatchObject({
      host: '127.0.0.1',
      port: 8320,
      keepAliveMs: 5000,
    })
    expect(readAddress(readCommandLine(['--host=::1'], addressOptions(1)), 1).host).toBe('::1')
    const wrong = readCommandLine(['--host=a b'], addressOptions(1))
    expect(() => readAddress(wrong, 1)).toThrow(
      '--host must be an IP address or a name such as localhost, received "a b"',
    )
  })
})

it('limits the time for the head of a request, but not for the whole request, on Node', async () => {
  const [making, printing] = [vi.spyOn(http, 'createServer'), vi.spyOn(console, 'log')]
  await serve(() => new Response('here'))
  expect(making.mock.results[0]?.value).toMatchObject({ requestTimeout: 0, headersTimeout: 60_000 })
  // Programs read what the command prints.
  expect(printing).not.toHaveBeenCalled()
  vi.restoreAllMocks()
})

it('gives the handler every header of a subrequest', async () => {
  let count = 0
  const serving = await listen(
    ({ headers }) => {
      count = [...headers].filter(([name]) => name.startsWith('x-')).length
      return new Response()
    },
    { ...FREE, takesSubrequests: true },
  )
  servings.push(serving)
  const fields = Array.from({ length: 2500 }, (_, index) => `X-${index}: 1`)
  const sent = head('GET /', 'Host: a', 'Connection: close', ...fields)
  expect(await sendRaw(Number(new URL(serving.url).port), sent)).toMatch(/^HTTP\/1\.1 200 /)
  expect(count).toBe(2500)
})

/** The first status that a server gives. */
async function statusOf(sent: string, more: Partial<Address> = {}): Promise<string> {
  const serving = await listen(() => new Response('here'), { ...FREE, ...more })
  servings.push(serving)
  return (await sendRaw(Number(new URL(serving.url).port), sent)).slice(9, 12)
}

it.each([
  ['a long target', head(`GET /?${'a'.repeat(20_000)}`, 'Host: a', 'Connection: close'), '431'],
  [
    'Expect: 100-continue',
    head('GET /', 'Host: a', 'Connection: close', 'Expect: 100-continue'),
    '100',
  ],
  ['another Expect', head('GET /', 'Host: a', 'Connection: close', 'Expect: x'), '417'],
])(
  'gives the handler a subrequest with %s, which Node answers itself otherwise',
  async (_, sent, status) => {
    expect(await statusOf(sent, { takesSubrequests: true })).toBe('200')
    expect(await statusOf(sent)).toBe(status)
  },
)

/** Serves a response that stays open. */
async function startOpenResponse(drainMs?: number) {
  const body = openBody()
  const serving = await serve(() => new Response(body.readable))
  const surroundings = createSurroundings()
  const stopped = serveUntilStopped([serving], surroundings, drainMs)
  return { ...body, ...surroundings, stopped, url: serving.url, response: await fetch(serving.url) }
}

describe('a served handler', () => {
  it('finishes open requests after SIGTERM, and accepts no new ones', async () => {
    const { url, response, signal, send, end, stopped } = await startOpenResponse()
    signal('SIGTERM')
    await vi.waitFor(() => expect(fetch(url)).rejects.toThrow('fetch failed'), 10_000)
    await send('late')
    await end()
    expect(await response.text()).toBe('early late')
    await stopped
  })

  it('closes a keep-alive connection during shutdown', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const body = openBody()
    let count = 0
    const serving = await serve(() => new Response(count++ === 0 ? body.readable : 'done'))
    const surroundings = createSurroundings()
    const stopped = serveUntilStopped([serving], surroundings)
    // Its connection is in use when the shutdown starts, so the server does not close it then.
    const first = request(serving.url, agent)
    await expect.poll(() => count).toBe(1)
    surroundings.signal('SIGTERM')
    await vi.waitFor(() => expect(fetch(serving.url)).rejects.toThrow('fetch failed'), 10_000)
    await body.end()
    const asked = [await first]
    while (asked.at(-1) !== 'ECONNREFUSED' && asked.length < 100) {
      asked.push(await request(serving.url, agent))
    }
    expect(asked[0]).toBe(200)
    expect(asked.length).toBeLessThan(5)
    await stopped
    agent.destroy()
  })

  it.each([
    ['SIGINT, at once', ['SIGINT'], 600_000],
    ['SIGTERM, when draining takes too long', ['SIGTERM'], 20],
    ['SIGINT after SIGTERM', ['SIGTERM', 'SIGINT'], undefined],
    ['a second SIGTERM', ['SIGTERM', 'SIGTERM'], undefined],
  ] as const)('is cut off by %s', async (_, [first, second], drainMs) => {
    const { response, signal, stopped } = await startOpenResponse(drainMs)
    signal(first)
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (second !== undefined) signal(second)
    await stopped
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it('leaves the signals to the caller', async () => {
    const count = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')
    const before = count()
    await serve(() => new Response())
    expect(count()).toBe(before)
  })
})
