import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { close, listen } from './support/loopback.ts'
import { paste } from './support/pasted-curl.ts'
import { startDemo } from './support/running-demo.ts'
import type { Server } from 'node:net'
import type { RunningDemo } from './support/running-demo.ts'

const USUAL_PORTS = [8321, 8322]

interface KnownKey {
  readonly sha256: Uint8Array
  readonly principal: string
  readonly attributes: Record<string, string[]>
}

// The program is plain JavaScript, so its types are said here.
interface ListenModule {
  listen: (
    fetch: (request: Request) => Response,
    usualPort: number,
  ) => Promise<{ url: string; close: () => Promise<void> }>
}
interface AuthEndpointModule {
  createAuthEndpoint: (knownKeys: readonly KnownKey[]) => (request: Request) => Promise<Response>
  hashKey: (key: string) => Uint8Array
}
const { listen: listenLikeDemo } = (await importDemo('listen.js')) as ListenModule
const { createAuthEndpoint, hashKey } = (await importDemo('auth-endpoint.js')) as AuthEndpointModule

describe('the program of npm start', () => {
  let folder: string
  let demos: RunningDemo[] = []
  let squatters: Server[] = []

  beforeAll(ensureBuilt, 60_000)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'with-auth-start-'))
  })
  afterEach(async () => {
    for (const demo of demos) demo.kill('SIGKILL')
    await Promise.all(demos.map(({ ended }) => ended))
    await Promise.all(squatters.map((squatter) => close(squatter)))
    demos = []
    squatters = []
    rmSync(folder, { recursive: true })
  })

  async function start(): Promise<RunningDemo> {
    const demo = await startDemo(folder)
    demos.push(demo)
    return demo
  }

  it('prints three curl lines, and each answers what is printed below it', async () => {
    const { calls } = await start()
    expect(calls.map(({ answer }) => answer)).toEqual([
      '{"error":{"message":"Missing or invalid Authorization header","type":"authentication_error","code":"missing_credentials"}}\n401\n',
      '{"error":{"message":"Authentication failed","type":"authentication_error","code":"denied"}}\n401\n',
      '{"principal":"alice","attributes":{"roles":["reader"]}}\n200\n',
    ])
    for (const { line, answer } of calls) expect(await paste(line)).toBe(answer)
  })

  it('streams to who has the key, and shows everybody the front page', async () => {
    const { apiUrl, key } = await start()
    expect((await fetch(`${apiUrl}/`)).status).toBe(200)
    expect((await fetch(`${apiUrl}/v1/chat`)).status).toBe(401)
    expect((await fetch(`${apiUrl}/unknown`)).status).toBe(401)
    const reader = await openStream(apiUrl, key)
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toBe('data: Hello\n\n')
    await reader.cancel()
  })

  it('makes another key of 256 bits for each run', async () => {
    const [one, two] = [await start(), await start()]
    expect(one.key).toMatch(/^demo_[\w-]{43}$/)
    expect(two.key).not.toBe(one.key)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing behind at a %s, with a stream running',
    async (signal) => {
      // On free ports, which no other run of this test takes in the meantime.
      squatters = await takeUsualPorts()
      const demo = await start()
      const reader = await openStream(demo.apiUrl, demo.key)
      await reader.read()
      demo.kill(signal)
      expect(await demo.ended).toEqual({ code: 0, output: '' })
      await expect(readAll(reader)).rejects.toThrow('terminated')
      expect(await isListening(demo.apiUrl)).toBe(false)
      expect(await isListening(demo.endpointUrl)).toBe(false)
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('stops as well when npm passes on the Ctrl-C that the terminal has sent', async () => {
    const demo = await start()
    demo.kill('SIGINT')
    demo.kill('SIGINT')
    expect(await demo.ended).toEqual({ code: 0, output: '' })
  })

  it('takes free ports when the usual ones are taken, and prints those', async () => {
    squatters = await takeUsualPorts()
    const { apiUrl, endpointUrl, calls } = await start()
    const ports = [apiUrl, endpointUrl].map((url) => Number(new URL(url).port))
    expect(USUAL_PORTS).not.toContain(ports[0])
    expect(USUAL_PORTS).not.toContain(ports[1])
    for (const { line, answer } of calls) {
      expect(line).toContain(` ${apiUrl}/`)
      expect(await paste(line)).toBe(answer)
    }
  })
})

describe('listen of npm start', () => {
  it('takes the usual port when it is free', async () => {
    const server = createServer()
    const port = await listen(server)
    await close(server)
    const demo = await listenLikeDemo(() => new Response('here'), port)
    expect(demo.url).toBe(`http://127.0.0.1:${port}`)
    expect(await (await fetch(demo.url)).text()).toBe('here')
    await demo.close()
  })
})

describe('the auth endpoint of npm start', () => {
  const KEY = 'demo_good'
  const attributes = { roles: ['reader'] }
  const endpoint = createAuthEndpoint([
    { sha256: hashKey('demo_other'), principal: 'bob', attributes: {} },
    { sha256: hashKey(KEY), principal: 'alice', attributes },
  ])

  function post(body: BodyInit | null, contentType = 'application/json'): Promise<Response> {
    const headers = { 'content-type': contentType }
    const init = { method: 'POST', headers, body, duplex: 'half' }
    return endpoint(new Request('http://127.0.0.1/validate', init))
  }

  function ask(apiKey: unknown): Promise<Response> {
    return post(
      JSON.stringify({ api_key: apiKey, request: { path: '/', headers: {}, params: {} } }),
    )
  }

  it.each(['application/json', 'Application/JSON ; charset=utf-8'])(
    'says whose a key is to a question of type %s',
    async (contentType) => {
      const response = await post(JSON.stringify({ api_key: KEY }), contentType)
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ principal: 'alice', attributes })
    },
  )

  it.each(['', 'wrong', 'demo_goo', 'demo_good ', 'DEMO_GOOD', 'demo_good\0', '\uD800'])(
    'answers 401 to the key %j',
    async (apiKey) => {
      const response = await ask(apiKey)
      expect(response.status).toBe(401)
      expect(await response.text()).toBe('')
    },
  )

  it.each([undefined, null, 1, true, [KEY], { key: KEY }, { length: 9 }])(
    'answers 400 to a key that is %j',
    async (apiKey) => {
      expect((await ask(apiKey)).status).toBe(400)
    },
  )

  it.each([
    ['nothing', null],
    ['an empty text', ''],
    ['half a JSON text', `{"api_key":"${KEY}"`],
    ['a form', `api_key=${KEY}`],
    ['null', 'null'],
    ['a string', `"${KEY}"`],
    ['a list', `["${KEY}"]`],
    ['a list in a hundred thousand lists', '['.repeat(100_000)],
    ['a key in a prototype', `{"__proto__":{"api_key":"${KEY}"}}`],
    ['a key in a constructor', `{"constructor":{"prototype":{"api_key":"${KEY}"}}}`],
    ['what is not UTF-8', new Uint8Array([0xff, 0xfe, 0xc0])],
  ])('answers 400 to %s', async (_, body) => {
    expect((await post(body)).status).toBe(400)
    expect(Reflect.get({}, 'api_key')).toBeUndefined()
  })

  it('answers 400 to a body that breaks off', async () => {
    const body = new ReadableStream({
      start: (controller) => controller.error(new Error('connection lost')),
    })
    expect((await post(body)).status).toBe(400)
  })

  it('stops reading a body that has no end', async () => {
    const piece = new TextEncoder().encode(' '.repeat(65_536))
    let pieces = 0
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pieces += 1
        controller.enqueue(piece)
      },
      cancel: () => {
        cancelled = true
      },
    })
    expect((await post(body)).status).toBe(400)
    expect(cancelled).toBe(true)
    expect(pieces).toBeLessThan(10)
  })

  it('takes questions as long as headers can be', async () => {
    const headers = { 'x-long': 'a'.repeat(200_000) }
    const body = JSON.stringify({ api_key: KEY, request: { path: '/', headers, params: {} } })
    expect((await post(body)).status).toBe(200)
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('answers 405 to %s', async (method) => {
    const response = await endpoint(new Request('http://127.0.0.1/validate', { method }))
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'answers 415 to the type %j, which a page of another site could send',
    async (contentType) => {
      expect((await post(JSON.stringify({ api_key: KEY }), contentType)).status).toBe(415)
    },
  )
})

function importDemo(module: string): Promise<unknown> {
  return import(String(new URL(`../examples/demo/${module}`, import.meta.url)))
}

async function openStream(
  apiUrl: string,
  key: string,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const headers = { authorization: `Bearer ${key}` }
  const { body } = await fetch(`${apiUrl}/v1/chat`, { headers })
  if (body === null) throw new Error('The answer has no body')
  return body.getReader()
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

async function isListening(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Takes the usual ports, unless somebody else has them already. */
async function takeUsualPorts(): Promise<Server[]> {
  const squatters = USUAL_PORTS.map(() => createServer())
  await Promise.allSettled(squatters.map((server, index) => listen(server, USUAL_PORTS[index])))
  return squatters
}
