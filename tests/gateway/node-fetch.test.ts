import http from 'node:http'
import https from 'node:https'
import { createServer } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { createNodeFetch } from '../../src/gateway/node-fetch.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'
import { run } from '../support/tcp-endpoint.ts'
import type { Socket } from 'node:net'
import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from '../../src/gateway.ts'

type Play = (socket: Socket, connection: number) => void

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const LENGTH_AND_CHUNKS = 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'

/** The heads that the upstream received, each with the number of its connection. */
let asked: { readonly head: string; readonly connection: number }[]
let sockets: Socket[]
/** All bytes that the upstream received. */
let received: string
let play: Play
let origin: string
let fetch: UpstreamFetch
beforeEach(async () => {
  asked = []
  sockets = []
  received = ''
  play = (socket) => void socket.write(OK)
  const server = createServer((socket) => {
    const connection = sockets.push(socket)
    let bytes = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1')
      received += chunk.toString('latin1')
      // The body of the request before may stand in front.
      const head = /^[A-Z]+ \/.*?(?=\r\n\r\n)/ms.exec(bytes)?.[0]
      if (head === undefined) return
      asked.push({ head, connection })
      bytes = ''
      play(socket, connection)
    })
  })
  origin = `http://127.0.0.1:${(await run(server)).port}`
  fetch = createNodeFetch({ http, https })
})

function send(path: string, init: Partial<UpstreamRequest> = {}): Promise<UpstreamResponse> {
  return fetch(origin + path, {
    method: 'GET',
    headers: new Headers(),
    ownHeaders: [],
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

/** The code or the name of a request's error. */
function failure(pending: Promise<unknown>): Promise<unknown> {
  return pending.then(
    () => 'none',
    (error: unknown) => Reflect.get(Object(error), 'code') ?? Reflect.get(Object(error), 'name'),
  )
}

/** Reads a response, and waits until its connection is idle. */
async function finish(response: UpstreamResponse): Promise<string> {
  const text = await textOf(response)
  // Node gives it back right after the end.
  await nextTurn()
  return text
}

function bodyOf(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream()
}

describe('the request', () => {
  it('has the target byte for byte, the host, the fields, and nothing else', async () => {
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
    ['PROPFIND', ['content-length: 0']],
    ['DELETE', []],
    ['OPTIONS', []],
    ['GET', []],
  ])('with %s and no body has the framing %j', async (method, framing) => {
    await send('/', { method })
    expect(asked[0]?.head.match(/^(?:content-length|transfer-encoding).*$/gim) ?? []).toEqual(
      framing,
    )
  })

  it('is not sent if it was aborted before', async () => {
    await expect(send('/', { signal: AbortSignal.abort() })).rejects.toThrow('Aborted')
    expect(asked).toEqual([])
  })

  it.each(['DELETE', 'POST'])(
    'with %s and a body has a length or chunks, and its fields in Latin-1',
    async (method) => {
      const headers = new Headers({ 'x-name': 'caf\u00e9' })
      play = (socket) => void setTimeout(() => socket.end(OK), 50)
      await send('/', { method, headers, body: bodyOf('hello') })
      expect(asked[0]?.head).toContain('\r\ntransfer-encoding: chunked\r\nx-name: caf\u00e9')
      expect(received).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)

      headers.set('content-length', '5')
      await send('/', { method, headers, body: bodyOf('hello') })
      expect(asked[1]?.head).toContain('\r\ncontent-length: 5\r\nx-name: caf\u00e9')
      expect(asked[1]?.head).not.toContain('chunked')
      expect(received).toMatch(/\r\n\r\nhello$/)
    },
  )
})

describe('the response', () => {
  it('has its headers in Latin-1, and each cookie in its own header line', async () => {
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

  it.each([
    ['an upgrade', '101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'UPGRADED'],
    ['half a head', '200 OK\r\nX-', /^(?:ECONNRESET|HPE_\w+)$/],
    ['a length beside chunks', `200 OK\r\n${LENGTH_AND_CHUNKS}0\r\n\r\n`, /^HPE_\w+$/],
    ['two lengths', '200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', /^HPE_\w+$/],
  ])('fails with a code for %s', async (_, bytes, code) => {
    play = (socket) => void socket.end(`HTTP/1.1 ${bytes}`)
    expect(await failure(send('/'))).toMatch(code)
    await expect.poll(() => sockets[0]?.closed).toBe(true)
  })

  it('fails for a field that a lenient parser accepts and Fetch does not', async () => {
    play = (socket) =>
      void socket.write('HTTP/1.1 200 OK\r\nX-A: a\u0000b\r\nContent-Length: 0\r\n\r\n')
    const lenient = (options: http.RequestOptions) =>
      http.request({ ...options, insecureHTTPParser: true })
    fetch = createNodeFetch({ http: { Agent: http.Agent, request: lenient }, https })
    expect(await failure(send('/'))).toBe('TypeError')
    await expect.poll(() => sockets[0]?.closed).toBe(true)
  })

  it('fails with a code if its connection ends within the body', async () => {
    play = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi')
    const response = await send('/')
    sockets[0]?.destroy()
    expect(await failure(textOf(response))).toBe('ECONNRESET')
  })

  it('ends with the connection if it has neither length nor chunks', async () => {
    play = (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nold')
    expect(await textOf(await send('/'))).toBe('old')
  })

  it('starts with an empty chunk if its body is late', async () => {
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

  it('has no empty chunk after a first part, nor in an empty body', async () => {
    play = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi')
    const reader = (await send('/')).body?.getReader()
    expect((await reader?.read())?.value?.toString()).toBe('fi')
    const next = reader?.read()
    sockets[0]?.write('nd')
    expect((await next)?.value?.toString()).toBe('nd')

    play = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    expect((await (await send('/')).body?.getReader().read())?.done).toBe(true)
  })

  it('may be cancelled right after its last part', async () => {
    const reader = (await send('/')).body?.getReader()
    expect((await reader?.read())?.value?.toString()).toBe('ok')
    await reader?.cancel()
    expect(await textOf(await send('/'))).toBe('ok')
  })
})

describe('a connection', () => {
  it('is reused after a response that was read or has no body', async () => {
    expect(await finish(await send('/'))).toBe('ok')
    play = (socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    await finish(await send('/'))
    play = (socket) => void socket.write(OK)
    await finish(await send('/', { method: 'PUT', body: bodyOf('x') }))
    await textOf(await send('/'))
    expect(asked.map(({ connection }) => connection)).toEqual([1, 1, 1, 1])
  })

  it.each(['GET', 'OPTIONS'])('that closes while it sends %s is replaced once', async (method) => {
    await finish(await send('/first'))
    play = (socket, connection) => void (connection === 1 ? socket.destroy() : socket.write(OK))
    expect((await send('/again', { method })).status).toBe(200)
    expect(asked.map(({ connection }) => connection)).toEqual([1, 1, 2])

    play = (socket) => void socket.destroy()
    await failure(send('/never', { method }))
    expect(asked.filter(({ head }) => head.includes('/never')).length).toBeLessThanOrEqual(2)
  })

  it('that closes is replaced by a new one, not by an idle one', async () => {
    const waiting: Socket[] = []
    play = (socket) => void waiting.push(socket)
    const both = [send('/1'), send('/2')]
    await expect.poll(() => waiting.length).toBe(2)
    for (const socket of waiting) socket.write(OK)
    for (const one of both) await finish(await one)
    play = (socket, connection) => void (connection < 3 ? socket.destroy() : socket.write(OK))
    expect((await send('/again')).status).toBe(200)
    expect(asked.filter(({ head }) => head.includes('/again'))).toHaveLength(2)
  })

  it.each<[string, Partial<UpstreamRequest>, string]>([
    ['after a POST', { method: 'POST' }, ''],
    ['after a DELETE', { method: 'DELETE' }, ''],
    ['after a body', { method: 'OPTIONS', body: bodyOf('x') }, ''],
    ['within a response', { method: 'GET' }, 'HTTP/1.1 2'],
  ])('that closes %s is not replaced', async (_, init, bytes) => {
    await finish(await send('/first'))
    play = (socket) => void (bytes === '' ? socket.destroy() : socket.end(bytes))
    expect(await failure(send('/again', init))).toMatch(/^(?:ECONNRESET|EPIPE|HPE_\w+)$/)
    expect(asked.filter(({ head }) => head.includes('/again'))).toHaveLength(1)
  })

  it('that its caller ends is not replaced', async () => {
    await finish(await send('/first'))
    const caller = new AbortController()
    play = () => caller.abort()
    await failure(send('/again', { signal: caller.signal }))
    await sleep(50)
    expect(asked.map(({ head }) => head.split(' ')[1])).toEqual(['/first', '/again'])
  })

  it('that is new is not replaced', async () => {
    play = (socket) => void socket.destroy()
    expect(await failure(send('/'))).toBe('ECONNRESET')
    expect(asked).toHaveLength(1)
  })

  it('to a closed port of an IPv6 address fails with its code', async () => {
    origin = 'http://[::1]:1'
    expect(await failure(send('/'))).toMatch(/^E(?:CONNREFUSED|ADDRNOTAVAIL)$/)
    await expect(send('/')).rejects.toThrow(' ::1:1')
  })
})

describe('over TLS', () => {
  const trusting = (ca: string): UpstreamFetch => {
    const request = (options: https.RequestOptions) => https.request({ ...options, ca })
    return createNodeFetch({ http, https: { Agent: https.Agent, request } })
  }

  it('rejects an untrusted certificate, and a certificate for another name', async () => {
    const { key, cert } = ROTATED
    const secure = https.createServer({ key, cert }, (_, response) => void response.end('safe'))
    const { port } = await run(secure)
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
