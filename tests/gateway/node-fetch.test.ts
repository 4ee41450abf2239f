import http from 'node:http'
import https from 'node:https'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createNodeFetch } from '../../src/gateway/node-fetch.ts'
import { close, listen } from '../support/loopback.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'
import type { Server, Socket } from 'node:net'
import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from '../../src/gateway.ts'

type Play = (socket: Socket, head: string, connection: number) => void

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const SOON = { timeout: 4_000 }

/** The heads that the upstream read, each with the number of its connection. */
let asked: { readonly head: string; readonly connection: number }[]
let sockets: Socket[]
/** All that the upstream read. */
let received: string
let play: Play
let server: Server
let origin: string
let fetch: UpstreamFetch
beforeEach(async () => {
  asked = []
  sockets = []
  received = ''
  play = (socket) => void socket.write(OK)
  server = createServer((socket) => {
    const connection = sockets.push(socket)
    let bytes = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1')
      received += chunk.toString('latin1')
      const end = bytes.indexOf('\r\n\r\n')
      if (end === -1 || !/^[A-Z]+ \//.test(bytes)) return
      const head = bytes.slice(0, end)
      bytes = ''
      asked.push({ head, connection })
      play(socket, head, connection)
    })
  })
  origin = `http://127.0.0.1:${await listen(server)}`
  fetch = createNodeFetch({ http, https })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await close(server)
})

function send(path: string, init: Partial<UpstreamRequest> = {}): Promise<UpstreamResponse> {
  return fetch(origin + path, {
    method: 'GET',
    headers: new Headers(),
    body: null,
    duplex: 'half',
    redirect: 'manual',
    signal: new AbortController().signal,
    ...init,
  })
}

function textOf({ body }: UpstreamResponse): Promise<string> {
  return new Response(body).text()
}

/** The code of what a request fails with. */
function failure(pending: Promise<unknown>): Promise<unknown> {
  return pending.then(
    () => 'none',
    (error: unknown) => Reflect.get(Object(error), 'code') ?? Reflect.get(Object(error), 'name'),
  )
}

/** Reads an answer, and waits until its connection is idle. */
async function finish(response: UpstreamResponse): Promise<string> {
  const text = await textOf(response)
  await new Promise((resolve) => setTimeout(resolve, 20))
  return text
}

function bodyOf(...parts: readonly string[]): ReadableStream<Uint8Array> {
  return new Blob([...parts]).stream()
}

/** A body that never ends, and what became of it. */
function endlessBody(part = 'x'.repeat(65_536)) {
  const seen = { pulled: 0, cancelled: false }
  const bytes = new TextEncoder().encode(part)
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        seen.pulled += 1
        await new Promise((resolve) => setImmediate(resolve))
        controller.enqueue(bytes)
      },
      cancel: () => void (seen.cancelled = true),
    },
    { highWaterMark: 0 },
  )
  return { body, seen }
}

describe('what goes out', () => {
  it('is the target byte for byte, the host, the fields, and nothing else', async () => {
    const headers = new Headers({ 'x-latin': 'caf\u00e9', accept: 'text/plain' })
    const response = await send("/a%2f%2E//b;c?d=%zz&e='|{}&&", { headers })
    expect([response.status, await textOf(response)]).toEqual([200, 'ok'])
    expect(asked[0]?.head.split('\r\n')).toEqual([
      "GET /a%2f%2E//b;c?d=%zz&e='|{}&& HTTP/1.1",
      `host: ${new URL(origin).host}`,
      'accept: text/plain',
      'x-latin: caf\u00e9',
      'Connection: keep-alive',
    ])
  })

  it.each([
    ['POST', ['content-length: 0']],
    ['PUT', ['content-length: 0']],
    ['PROPFIND', ['content-length: 0']],
    ['DELETE', []],
    ['OPTIONS', []],
    ['GET', []],
  ])('of a %s without body has the framing %j', async (method, framing) => {
    await send('/', { method })
    expect(asked[0]?.head.match(/^(?:content-length|transfer-encoding).*$/gim) ?? []).toEqual(
      framing,
    )
  })

  it.each(['DELETE', 'POST', 'PROPFIND'])(
    'of a %s with a body has a length or chunks',
    async (method) => {
      play = (socket) => void setTimeout(() => socket.end(OK), 50)
      await send('/', { method, body: bodyOf('hello') })
      expect(asked[0]?.head).toContain('\r\ntransfer-encoding: chunked')
      expect(received).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)

      const headers = new Headers({ 'content-length': '5' })
      await send('/', { method, body: bodyOf('hello'), headers })
      expect(asked[1]?.head).toContain('\r\ncontent-length: 5')
      expect(asked[1]?.head).not.toContain('chunked')
      expect(received).toMatch(/\r\n\r\nhello$/)
    },
  )

  it.each([undefined, '3'])(
    'has its fields in Latin-1 before a body with the length %s',
    async (length) => {
      const headers = new Headers({ 'x-name': 'caf\u00e9' })
      if (length !== undefined) headers.set('content-length', length)
      const body = new Blob(['abc']).stream()
      await textOf(await send('/', { method: 'POST', headers, body }))
      expect(asked[0]?.head).toContain('x-name: caf\u00e9')
    },
  )

  it('fails for a field that HTTP does not allow, before anything is sent', async () => {
    const headers = new Headers({ 'x-bell': 'a\u0007b' })
    expect(await failure(send('/', { headers }))).toBe('ERR_INVALID_CHAR')
    expect(asked).toEqual([])
  })
})

describe('what comes back', () => {
  it('has its fields in Latin-1, and each cookie by itself', async () => {
    const cookies = 'Set-Cookie: b=2; Path=/\r\nSet-Cookie: a=1\r\n'
    play = (socket) =>
      void socket.write(
        `HTTP/1.1 299 Fine\r\n${cookies}X-Latin: caf\u00e9\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n`,
        'latin1',
      )
    const response = await send('/')
    expect([response.status, response.statusText]).toEqual([299, 'Fine'])
    expect(response.headers.getSetCookie()).toEqual(['b=2; Path=/', 'a=1'])
    expect(response.headers.get('x-latin')).toBe('caf\u00e9')
    expect(response.headers.get('x-two')).toBe('1, 2')
    expect(await textOf(response)).toBe('')
  })

  it('is the final answer, without interim ones and trailers', async () => {
    play = (socket) =>
      void socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n' +
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: secret\r\n\r\n',
      )
    const response = await send('/')
    expect(await textOf(response)).toBe('ok')
    expect([...response.headers].flat()).not.toContain('secret')
    expect(response.headers.has('link')).toBe(false)
  })

  it.each([
    [
      'an upgrade',
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'UPGRADED',
    ],
    ['nothing', '', 'ECONNRESET'],
    ['half a head', 'HTTP/1.1 200 OK\r\nX-', /^(?:ECONNRESET|HPE_\w+)$/],
    ['no HTTP', 'nonsense\r\n\r\n', /^HPE_\w+$/],
    [
      'a length beside chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      /^HPE_\w+$/,
    ],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
      /^HPE_\w+$/,
    ],
  ])('is refused, with a name for it: %s', async (_, bytes, code) => {
    play = (socket) => void socket.end(bytes)
    expect(await failure(send('/'))).toMatch(code)
    await expect.poll(() => sockets[0]?.closed, SOON).toBe(true)
  })

  it.each([
    ['a bad chunk', 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n'],
    ['chunks without their end', 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'],
    ['less than its length', 'Content-Length: 9\r\n\r\nok'],
    [
      'less than its length, and the wish to close',
      'Connection: close\r\nContent-Length: 9\r\n\r\nok',
    ],
  ])('breaks where it does: %s', async (_, rest) => {
    play = (socket) => void socket.end(`HTTP/1.1 200 OK\r\n${rest}`)
    await expect(textOf(await send('/'))).rejects.toThrow(/aborted|broke off|Parse Error/)
  })

  it('fails for a field that the parser lets in and Fetch does not', async () => {
    play = (socket) =>
      void socket.write('HTTP/1.1 200 OK\r\nX-A: a\u0000b\r\nContent-Length: 0\r\n\r\n')
    const lenient = (options: http.RequestOptions) =>
      http.request({ ...options, insecureHTTPParser: true })
    fetch = createNodeFetch({ http: { Agent: http.Agent, request: lenient }, https })
    expect(await failure(send('/'))).toBe('TypeError')
    await expect.poll(() => sockets[0]?.closed, SOON).toBe(true)
  })

  it('never gives a folded field as two', async () => {
    play = (socket) =>
      void socket.end('HTTP/1.1 200 OK\r\nX-A: 1\r\n X-B: 2\r\nContent-Length: 0\r\n\r\n')
    const response = await send('/').catch(() => undefined)
    expect(response?.headers.get('x-b') ?? null).toBeNull()
    expect(response?.headers.get('x-a') ?? '').not.toMatch(/[\r\n]/)
  })

  it('ends with the connection if that is its framing', async () => {
    play = (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nold')
    expect(await textOf(await send('/'))).toBe('old')
  })

  it('begins with no bytes if its body is late, and with all of them if it is there', async () => {
    play = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n')
    const reader = (await send('/')).body?.getReader()
    expect((await reader?.read())?.value).toHaveLength(0)
    sockets[0]?.write('la')
    expect((await reader?.read())?.value?.toString()).toBe('la')
    sockets[0]?.write('te')
    expect((await reader?.read())?.value?.toString()).toBe('te')
    expect(await reader?.read()).toEqual({ done: true, value: undefined })

    play = (socket) => void socket.write(OK)
    const whole = (await send('/')).body?.getReader()
    expect((await whole?.read())?.value?.toString()).toBe('ok')
    expect((await whole?.read())?.done).toBe(true)
  })

  it('is read only as fast as its consumer reads', async () => {
    const PART = Buffer.alloc(65_536)
    let sent = 0
    play = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = (): void => {
        while (socket.write(PART)) sent += 1
        socket.once('drain', more)
      }
      more()
    }
    const response = await send('/')
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = sent
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBe(before)
    await response.body?.cancel()
    await expect.poll(() => sockets[0]?.closed, SOON).toBe(true)
  })
})

describe('a connection', () => {
  it('is used again after an answer that was read, or had no body', async () => {
    const status = (text: string): void => {
      play = (socket) => void socket.write(`HTTP/1.1 ${text}\r\n\r\n`)
    }
    const cancel = async (response: UpstreamResponse): Promise<void> => {
      await response.body?.cancel()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await finish(await send('/'))).toBe('ok')
    status('204 No Content')
    await cancel(await send('/'))
    status('200 OK\r\nContent-Length: 5')
    await cancel(await send('/', { method: 'HEAD' }))
    play = (socket) => void socket.write(OK)
    await textOf(await send('/'))
    expect(asked.map(({ connection }) => connection)).toEqual([1, 1, 1, 1])
  })

  it('is ended by who cancels the answer', async () => {
    play = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')
    await (await send('/')).body?.cancel()
    await expect.poll(() => sockets[0]?.closed, SOON).toBe(true)
  })

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'that ends while a %s goes out on it is replaced once',
    async (method) => {
      await finish(await send('/first'))
      play = (socket, _head, connection) =>
        void (connection === 1 ? socket.destroy() : socket.write(OK))
      expect((await send('/again', { method })).status).toBe(200)
      expect(asked.map(({ connection }) => connection)).toEqual([1, 1, 2])

      play = (socket) => void socket.destroy()
      await failure(send('/never', { method }))
      expect(asked.filter(({ head }) => head.includes('/never')).length).toBeLessThanOrEqual(2)
    },
  )

  it('that ends is replaced by a new one, not by another that was idle', async () => {
    const waiting: Socket[] = []
    play = (socket) => void waiting.push(socket)
    const both = [send('/1'), send('/2')]
    await expect.poll(() => waiting.length, SOON).toBe(2)
    for (const socket of waiting) socket.write(OK)
    for (const one of both) await finish(await one)
    play = (socket, _head, connection) =>
      void (connection < 3 ? socket.destroy() : socket.write(OK))
    expect((await send('/again')).status).toBe(200)
    expect(asked.filter(({ head }) => head.includes('/again'))).toHaveLength(2)
  })

  it.each<[string, Partial<UpstreamRequest>, string]>([
    ['another method', { method: 'POST' }, ''],
    ['a method that changes something', { method: 'DELETE' }, ''],
    ['a body', { method: 'OPTIONS', body: bodyOf('x') }, ''],
    ['something of an answer', { method: 'GET' }, 'HTTP/1.1 2'],
  ])('that ends is not replaced with %s', async (_, init, bytes) => {
    await finish(await send('/first'))
    play = (socket) => void (bytes === '' ? socket.destroy() : socket.end(bytes))
    expect(await failure(send('/again', init))).toMatch(/^(?:ECONNRESET|EPIPE|HPE_\w+)$/)
    expect(asked.filter(({ head }) => head.includes('/again'))).toHaveLength(1)
  })

  it('that is new is not replaced', async () => {
    play = (socket) => void socket.destroy()
    expect(await failure(send('/'))).toBe('ECONNRESET')
    expect(asked).toHaveLength(1)
  })

  it('does not keep the process alive', async () => {
    await finish(await send('/'))
    const active = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
    // The end at the upstream is the only one that does.
    expect(active.length).toBeLessThanOrEqual(sockets.length)
    expect(sockets[0]?.closed).toBe(false)
  })

  it('fails with its code where nothing listens', async () => {
    origin = 'http://127.0.0.1:1'
    expect(await failure(send('/'))).toBe('ECONNREFUSED')
    origin = 'http://[::1]:1'
    expect(await failure(send('/'))).toMatch(/^E(?:CONNREFUSED|ADDRNOTAVAIL)$/)
  })
})

describe('an upload', () => {
  it('is taken from the client no faster than the upstream takes it', async () => {
    play = (socket) => void socket.pause()
    const { body, seen } = endlessBody()
    const controller = new AbortController()
    const pending = send('/', { method: 'POST', body, signal: controller.signal })
    await expect.poll(() => asked.length, SOON).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = seen.pulled
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(seen.pulled).toBe(before)
    controller.abort()
    await expect(pending).rejects.toThrow('Aborted')
  })

  it('ends with an answer that is complete, and its connection with it', async () => {
    const { body } = endlessBody()
    play = (socket) => void socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
    const response = await send('/', { method: 'POST', body })
    expect([response.status, await textOf(response)]).toEqual([413, 'no'])
    await expect.poll(() => sockets[0]?.closed, SOON).toBe(true)
  })

  it('goes on while an answer streams', async () => {
    play = (socket) =>
      void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n')
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const response = await send('/', { method: 'POST', body: readable })
    const writer = writable.getWriter()
    await writer.write(new TextEncoder().encode('later'))
    await expect.poll(() => received, SOON).toMatch(/5\r\nlater\r\n$/)
    await writer.close()
    sockets[0]?.write('0\r\n\r\n')
    expect(await textOf(response)).toBe('hi')
  })

  it('ends at once when it is given up, before or after it began', async () => {
    play = () => undefined
    expect(await failure(send('/', { signal: AbortSignal.abort() }))).toBe('Error')
    const controller = new AbortController()
    const { body } = endlessBody()
    const pending = send('/', { method: 'POST', body, signal: controller.signal })
    await expect.poll(() => asked.length, SOON).toBe(1)
    controller.abort()
    await expect(pending).rejects.toThrow('Aborted')
    await expect.poll(() => sockets.every((socket) => socket.closed), SOON).toBe(true)
  })
})

describe('over TLS', () => {
  async function startTls({ key, cert }: { key: string; cert: string }): Promise<number> {
    const secure = https.createServer({ key, cert }, (_, response) => void response.end('safe'))
    onTestFinished(() => close(secure))
    return listen(secure)
  }
  const trusting = (ca: string): UpstreamFetch => {
    const request = (options: https.RequestOptions) => https.request({ ...options, ca })
    return createNodeFetch({ http, https: { Agent: https.Agent, request } })
  }

  it('rejects an untrusted certificate, and one for another name', async () => {
    const port = await startTls(ROTATED)
    origin = `https://localhost:${port}`
    expect(await failure(send('/'))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    fetch = trusting(SELF_SIGNED.cert)
    expect(await failure(send('/'))).toMatch(/CERT/)
    fetch = trusting(ROTATED.cert)
    expect(await textOf(await send('/'))).toBe('safe')
    origin = `https://127.0.0.1:${port}`
    expect(await failure(send('/'))).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })
})
