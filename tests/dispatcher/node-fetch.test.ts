import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { Agent, getGlobalDispatcher, MockAgent, setGlobalDispatcher } from 'undici'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { runtimeFetch as plainFetch } from '../../src/core/endpoint/runtime-fetch.ts'
import { runtimeFetch } from '../../src/dispatcher/node-fetch.ts'
import { BODY, OK, post, read, run, runTcp } from '../support/tcp-endpoint.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TransportInit } from '../../src/index.ts'

/** Node's own `fetch`, and the dispatcher below it. `tests/runtimes` tries all versions and runtimes. */

const own = globalThis.fetch
// Of the Node that runs these tests.
const DISPATCHER = Symbol.for(
  `undici.globalDispatcher.${process.versions.undici?.startsWith('8.') === true ? 2 : 1}`,
)

/** `fetch` sends a field that the dispatcher does not. */
const wayOf = (question: string | undefined): string =>
  question?.includes('sec-fetch-mode') === true ? 'fetch' : 'dispatcher'

const ask = (port: number, init: Partial<TransportInit> = {}) => post(port, init, runtimeFetch)

/** An endpoint that has been asked once, so that the next call may go by the dispatcher. */
async function startAsked(answer: (socket: Socket, count: number) => unknown = always(OK)) {
  const endpoint = await runTcp((socket, count) =>
    count === 1 ? socket.write(OK) : answer(socket, count),
  )
  await read(await ask(endpoint.port))
  return endpoint
}

function always(bytes: string) {
  return (socket: Socket) => socket.write(bytes)
}

async function startHttp(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      seen.push('sec-fetch-mode' in request.headers ? 'fetch' : 'dispatcher')
      answer(request, response)
    })
  })
  return { ...(await run(server)), seen }
}

describe('the way of a call', () => {
  it('is fetch at first, then the dispatcher, with the same question', async () => {
    const { port, questions } = await startAsked()
    const response = await ask(port)
    expect([response.status, await read(response)]).toEqual([200, '{}'])
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher'])
    for (const question of questions) {
      expect(question).toContain('POST /validate?a=b HTTP/1.1\r\n')
      expect(question).toMatch(/\r\nuser-agent: with-auth\/[\d.]+\r\n/i)
      expect(question).toMatch(/\r\naccept-encoding: identity\r\n/i)
      expect(question).toMatch(/\r\ncontent-type: application\/json\r\n/i)
      expect(question).toMatch(new RegExp(`\r\ncontent-length: ${BODY.length}\r\n`, 'i'))
      expect(question.endsWith(BODY)).toBe(true)
    }
  })

  it('is fetch alone in what takes its place on other runtimes', async () => {
    const { port, questions } = await startAsked()
    await post(port, {}, plainFetch)
    expect(questions.map(wayOf)).toEqual(['fetch', 'fetch'])
    expect(plainFetch.id).toBe(runtimeFetch.id)
  })

  it('is fetch for another URL', async () => {
    await startAsked()
    const { questions } = await startAsked()
    expect(questions.map(wayOf)).toEqual(['fetch'])
  })

  it('is fetch again after many other URLs', async () => {
    const first = await startAsked()
    const { port, seen } = await startHttp((_request, response) => response.end())
    for (let count = 0; count < 64; count += 1) {
      await runtimeFetch(`http://127.0.0.1:${port}/${count}`, {
        method: 'GET',
        headers: {},
        redirect: 'manual',
        signal: new AbortController().signal,
      })
    }
    expect(new Set(seen)).toEqual(new Set(['fetch']))
    await ask(first.port)
    expect(first.questions.map(wayOf)).toEqual(['fetch', 'fetch'])
  })

  it('is a fetch that has taken the place of Node’s own, as it was called', async () => {
    const { port } = await startAsked()
    const response = new Response('ok')
    const instrumented = vi.fn<typeof fetch>(() => Promise.resolve(response))
    vi.stubGlobal('fetch', instrumented)
    const headers = { 'x-one': '1' }
    expect(await ask(port, { headers })).toBe(response)
    expect(instrumented).toHaveBeenCalledExactlyOnceWith(
      `http://127.0.0.1:${port}/validate?a=b`,
      expect.objectContaining({ headers }),
    )
  })

  const patched = Object.assign((...args: Parameters<typeof fetch>) => own(...args), {
    toString: () => Function.prototype.toString.call(own),
  })
  it.each([
    ['a wrapper', (...args: Parameters<typeof fetch>) => own(...args)],
    ['a wrapper whose text is that of Node’s own', patched],
    ['a Proxy that throws', new Proxy(own, { ownKeys: () => expect.fail('asked') })],
    ['a bound one', own.bind(undefined)],
    ['one with another property', Object.assign(own.bind(undefined), { prototype: {} })],
  ])('is fetch with %s in its place', async (_what, replaced) => {
    const { port, questions } = await startAsked()
    vi.stubGlobal('fetch', replaced)
    await ask(port)
    vi.unstubAllGlobals()
    await ask(port)
    expect(questions.map(wayOf)).toEqual(['fetch', 'fetch', 'dispatcher'])
  })

  it.each([
    ['an unknown version of undici', { versions: { undici: '9.0.0' } }],
    ['no version of undici', { versions: {} }],
    ['no process', undefined],
  ])('is fetch with %s', async (_what, process) => {
    const { port, questions } = await startAsked()
    await askWith(process, port)
    expect(questions.map(wayOf)).toEqual(['fetch', 'fetch'])
  })

  it('is a dispatcher of undici 8, by its callbacks', async () => {
    const before = getGlobalDispatcher()
    // This one takes the callbacks of undici 8 too.
    setGlobalDispatcher(new Agent())
    onTestFinished(() => setGlobalDispatcher(before))
    const { port, questions } = await startAsked()
    expect(await askWith({ versions: { undici: '8.13.1' } }, port)).toBe('{}')
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher'])
  })

  it.each([undefined, {}, null])('is fetch with the dispatcher %j', async (dispatcher) => {
    const { port, questions } = await startAsked()
    const before: unknown = Reflect.get(globalThis, DISPATCHER)
    setDispatcher(dispatcher)
    onTestFinished(() => setDispatcher(before))
    // Node's own `fetch` needs one too.
    await ask(port).catch(() => undefined)
    setDispatcher(before)
    await ask(port)
    expect(questions.map(wayOf).at(-1)).toBe('dispatcher')
    expect(questions.map(wayOf).slice(1, -1)).not.toContain('dispatcher')
  })

  it('is a dispatcher that throws, and nothing of what it says is told', async () => {
    const { port } = await startAsked()
    const before: unknown = Reflect.get(globalThis, DISPATCHER)
    setDispatcher({ dispatch: () => expect.fail('the-token') })
    onTestFinished(() => setDispatcher(before))
    await expect(ask(port)).rejects.toThrow('No whole response from the endpoint: unknown error')
  })

  it('is a server of msw while it listens', async () => {
    const { port, questions } = await startAsked()
    const server = setupServer(http.post('*', () => HttpResponse.json({ principal: 'mocked' })))
    server.listen()
    onTestFinished(() => server.close())
    expect((await ask(port)).headers.get('content-type')).toBe('application/json')
    server.close()
    await ask(port)
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher'])
  })

  it('is a dispatcher that the package undici has set', async () => {
    const { port, questions } = await startAsked()
    const [agent, before] = [new MockAgent(), getGlobalDispatcher()]
    agent.disableNetConnect()
    agent
      .get(`http://127.0.0.1:${port}`)
      .intercept({ path: '/validate?a=b', method: 'POST', body: BODY })
      .reply(201, 'mocked', { headers: { 'x-said': 'yes' } })
    setGlobalDispatcher(agent)
    onTestFinished(() => setGlobalDispatcher(before))
    const response = await ask(port)
    expect([response.status, response.headers.get('x-said')]).toEqual([201, 'yes'])
    expect(await read(response)).toBe('mocked')
    await expect(ask(port)).rejects.toThrow(/No whole response from the endpoint/)
    expect(questions).toHaveLength(1)
  })
})

/** Asks with this `process`, after `fetch` was forgotten, so that it is tested again. */
async function askWith(process: unknown, port: number) {
  const forget = async (): Promise<void> => {
    vi.stubGlobal('fetch', () => new Response())
    await ask(1)
    vi.stubGlobal('fetch', own)
  }
  onTestFinished(forget)
  await forget()
  vi.stubGlobal('process', process)
  const pending = ask(port)
  // At once: the test runner needs its own.
  vi.unstubAllGlobals()
  return read(await pending)
}

function setDispatcher(dispatcher: unknown): void {
  Reflect.set(globalThis, DISPATCHER, dispatcher)
}

describe('an answer that only fetch can take', () => {
  it('is asked for again if it is packed, and from then on by fetch', async () => {
    let isPacked = false
    const { port, seen } = await startHttp((_request, response) => {
      if (!isPacked) return response.end('{}')
      return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}'))
    })
    await read(await ask(port))
    isPacked = true
    expect(await read(await ask(port))).toBe('{"a":1}')
    expect(await read(await ask(port))).toBe('{"a":1}')
    expect(seen).toEqual(['fetch', 'dispatcher', 'fetch', 'fetch'])
  })

  it('is asked for again if it is a 407, which no endpoint may decide by', async () => {
    const answer = always('HTTP/1.1 407 X\r\ncontent-length: 0\r\n\r\n')
    const { port, questions } = await startAsked(answer)
    await expect(ask(port)).rejects.toThrow('fetch failed')
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher', 'fetch'])
  })

  it('may have a coding that changes nothing', async () => {
    const { port, questions } = await startAsked(
      always('HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\ncontent-length: 2\r\n\r\n{}'),
    )
    expect(await read(await ask(port))).toBe('{}')
    expect(questions).toHaveLength(2)
  })
})

describe('an answer over the dispatcher', () => {
  it.each([301, 302, 303, 307, 308])('that redirects with %i is given back', async (status) => {
    const elsewhere = await runTcp(always(OK))
    const location = `http://127.0.0.1:${elsewhere.port}/validate`
    const head = `HTTP/1.1 ${status} X\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`
    const { port, questions } = await startAsked(always(head))
    expect((await ask(port)).status).toBe(status)
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher'])
    expect(elsewhere.questions).toEqual([])
  })

  it('has its fields as fetch reads them: joined, in Latin-1, by names in any case', async () => {
    const fields =
      'Cache-Control: no-store\r\ncache-control: max-age=5\r\nX-Name: é\r\n__proto__: a'
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\ncontent-length: 0\r\n\r\n`, 'latin1')
    const { port } = await startAsked((socket) => socket.write(bytes))
    const { headers } = await ask(port)
    expect(headers.get('cache-control')).toBe('no-store, max-age=5')
    expect(headers.get('x-name')).toBe('é')
    expect(headers.get('__proto__')).toBe('a')
    expect(headers.get('constructor')).toBeNull()
  })

  it('may come after interim ones', async () => {
    const { port } = await startAsked(always(`HTTP/1.1 103 X\r\nlink: a\r\n\r\n${OK}`))
    expect((await ask(port)).status).toBe(200)
  })

  it('fails with its signal, before it is sent, while it waits and in its body', async () => {
    const { port, questions } = await startAsked((socket, count) =>
      count === 2 ? undefined : socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}'),
    )
    await expect(ask(port, { signal: AbortSignal.abort() })).rejects.toThrow('was aborted')
    expect(questions).toHaveLength(1)
    const waiting = new AbortController()
    const pending = ask(port, { signal: waiting.signal })
    await expect.poll(() => questions).toHaveLength(2)
    waiting.abort()
    await expect(pending).rejects.toThrow('was aborted')
    const reading = new AbortController()
    const body = read(await ask(port, { signal: reading.signal }))
    reading.abort()
    await expect(body).rejects.toThrow('was aborted')
    expect(questions.map(wayOf)).toEqual(['fetch', 'dispatcher', 'dispatcher'])
  })

  it('tells the code of an endpoint that is gone, and nothing that was sent', async () => {
    const { port } = await startAsked((socket) => socket.destroy())
    const error: unknown = await ask(port).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'UND_ERR_SOCKET' })
    expect(String(error)).not.toContain('the-token')
  })

  it('may be longer than anybody reads: then its connection ends', async () => {
    const closed = vi.fn()
    const { port } = await startAsked((socket) => {
      socket.on('close', closed).write('HTTP/1.1 200 OK\r\n\r\n')
      for (let count = 0; count < 64; count += 1) socket.write('x'.repeat(65_536))
    })
    const { body } = await ask(port)
    for await (const chunk of body as AsyncIterable<Uint8Array>) if (chunk.byteLength > 0) break
    await expect.poll(() => closed).toHaveBeenCalledOnce()
  })
})
