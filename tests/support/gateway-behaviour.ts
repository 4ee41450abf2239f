import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { CODING_ROWS, GATEWAY_ROWS, GZIPPED, HALF } from './gateway-rows.ts'
import { head, openSocket, parseResponse, sendRaw } from './raw-client.ts'
import { bodyOf, fieldOf, whenComplete } from './raw-upstream.ts'
import { TOKEN } from './token.ts'
import type { Socket } from 'node:net'
import type { GatewayRow } from './gateway-rows.ts'
import type { RawResponse } from './raw-client.ts'
import type { RawUpstream, UpstreamCall } from './raw-upstream.ts'

/** A running gateway and its upstream. */
interface ServedGateway {
  readonly port: number
  readonly upstream: RawUpstream
}

export const GOOD: readonly string[] = ['Host: api.test', `Authorization: Bearer ${TOKEN}`]
export const NOTICED = { timeout: 4_000 }

/**
 * Tests a gateway on any server: the rows, and streaming.
 *
 * @param codings Whether `fetch` decodes a compressed response.
 * @param leavesBy How a client disconnects. workerd notices only a reset.
 * @param headComes When the client gets the head of a response. Bun sends it with the body.
 */
export function itIsAGateway(
  served: () => ServedGateway,
  codings: keyof typeof CODING_ROWS = 'coded',
  leavesBy: 'destroy' | 'resetAndDestroy' = 'destroy',
  headComes: 'at once' | 'with the body' = 'at once',
): void {
  const rows = [...GATEWAY_ROWS, ...CODING_ROWS[codings]]
  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_row, row) => {
    expect(await playRow(row, served().port, served().upstream)).toEqual([])
  })

  it('streams a response with long pauses', async () => {
    served().upstream.plan('/stream', ({ socket }) => socket.write(begin('first')))
    const client = await ask('GET /stream')
    await waitFor(client, 'first')
    await sleep(300)
    callOf('/stream').socket.write(chunk('second'))
    await waitFor(client, 'second')
    callOf('/stream').socket.end('0\r\n\r\n')
    expect(await waitFor(client, '0\r\n\r\n')).not.toContain('first')
    client.destroy()
  })

  it.runIf(headComes === 'at once')('sends the head of a response before its body', async () => {
    const headOf = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Begun: yes\r\n\r\n'
    served().upstream.plan('/silent', ({ socket }) => socket.write(headOf))
    const client = await ask('GET /silent')
    expect(await waitFor(client, '\r\n\r\n')).toMatch(/^x-begun: yes\r$/im)
    callOf('/silent').socket.end(`${chunk('late')}0\r\n\r\n`)
    await waitFor(client, 'late')
    client.destroy()
  })

  it('streams an upload while the response streams', async () => {
    served().upstream.plan('/echo', ({ socket }) => socket.write(begin('ready')))
    const client = await ask('POST /echo', 'Transfer-Encoding: chunked')
    client.write(chunk('one'))
    await waitFor(client, 'ready')
    await expect.poll(() => bodyOf(callOf('/echo')), NOTICED).toBe('one')
    client.write(chunk('two'))
    await expect.poll(() => bodyOf(callOf('/echo')), NOTICED).toBe('onetwo')
    client.destroy()
  })

  it(`ends the call when the client disconnects before the response, by ${leavesBy}`, async () => {
    served().upstream.plan('/hang', () => undefined)
    const client = await ask('GET /hang')
    await expect.poll(() => served().upstream.callsFor('/hang').length, NOTICED).toBe(1)
    client[leavesBy]()
    await expect.poll(() => callOf('/hang').socket.closed, NOTICED).toBe(true)
  })

  it('ends the call when the client disconnects during the response', async () => {
    served().upstream.plan('/endless', ({ socket }) => {
      socket.write(begin('tick'))
      const timer = setInterval(() => socket.write(chunk('tick')), 20)
      socket.once('close', () => clearInterval(timer))
    })
    const client = await ask('GET /endless')
    await waitFor(client, 'tick')
    client.destroy()
    await expect.poll(() => callOf('/endless').socket.closed, NOTICED).toBe(true)
  })

  it('ends the call when the client disconnects during its upload', async () => {
    served().upstream.plan('/upload', () => undefined)
    const client = await ask('POST /upload', 'Content-Length: 100')
    client.write('part')
    await expect.poll(() => served().upstream.callsFor('/upload').length, NOTICED).toBe(1)
    client.destroy()
    await expect.poll(() => callOf('/upload').socket.closed, NOTICED).toBe(true)
  })

  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
    ['chunks', begin('part')],
  ])('a response with %s that breaks off does not look complete', async (framing, bytes) => {
    const path = `/broken-off-${framing.replace(' ', '-')}`
    served().upstream.plan(path, ({ socket }) => {
      socket.write(bytes)
      setTimeout(() => socket.resetAndDestroy(), 50)
    })
    const client = await ask(`GET ${path}`)
    const received = await readAll(client)
    expect(received).toContain('part')
    expect(received.split('\r\n\r\n').slice(1).join('\r\n\r\n')).not.toMatch(/0\r\n\r\n$/)
    expect(received).not.toMatch(/content-length: (?!100\r)/i)
  })

  it.each([
    ['a length', `Content-Length: ${GZIPPED.length}\r\n\r\n`, HALF],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n', chunk(HALF)],
  ])(
    'a compressed response with %s that breaks off does not look complete',
    async (framing, fields, bytes) => {
      const path = `/coded-${framing.replace(' ', '-')}`
      served().upstream.plan(path, ({ socket }) => {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n${fields}${bytes}`, 'latin1')
      })
      const received = await readAll(await ask(`GET ${path}`))
      // The client gets a 502, or a body without its end.
      if (received.startsWith('HTTP/1.1 502 ')) return
      const [fieldsReceived = '', content = ''] = received.split(/\r\n\r\n([^]*)/)
      const length = /content-length: (\d+)/i.exec(fieldsReceived)?.[1]
      expect(Number(length ?? Infinity)).toBeGreaterThan(content.length)
      expect(content).not.toMatch(/0\r\n\r\n$/)
    },
  )

  function ask(line: string, ...fields: string[]): Promise<Socket> {
    return openSocket(served().port).then((socket) => {
      socket.on('error', () => undefined)
      socket.write(head(line, ...GOOD, ...fields))
      return socket
    })
  }

  function callOf(path: string): UpstreamCall {
    const [call] = served().upstream.callsFor(path)
    if (call === undefined) throw new Error(`The upstream was not asked for ${path}`)
    return call
  }
}

function begin(text: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(text)}`
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

async function waitFor(client: Socket, text: string): Promise<string> {
  let received = ''
  while (!received.includes(text)) received += String((await once(client, 'data'))[0])
  return received
}

/** Tests that no other request follows a HEAD on its connection to the upstream. A body to it would look like the next response. */
export function itUsesTheConnectionOfHeadOnce(served: () => ServedGateway): void {
  it('does not use the connection of a HEAD again', async () => {
    const { port, upstream } = served()
    const body = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'
    const answered = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`
    upstream.plan('/head', ({ socket }) => socket.write(answered))
    const fields = [...GOOD, 'Connection: close']
    expect(await sendRaw(port, head('HEAD /head', ...fields))).toMatch(/^HTTP\/1\.1 200 /)
    const socket = upstream.callsFor('/head')[0]?.socket
    const next = sendRaw(port, head('GET /next', ...fields))
    setTimeout(() => socket?.write(body), 100)
    expect(await next).toMatch(/\r\n\r\nok$/)
    await expect.poll(() => socket?.closed, NOTICED).toBe(true)
  })
}

/** Tests the order in which the upstream gets headers. Bun and Workers sort them. */
export function itSendsItsOwnHeadersFirst(served: () => ServedGateway): void {
  it('sends its own headers before those of the client', async () => {
    const { port, upstream } = served()
    const fields = [...GOOD, 'Accept: */*', 'A: 1', 'Cookie: a=1', 'Connection: close']
    await sendRaw(port, head('GET /order', ...fields))
    const names = upstream.callsFor('/order')[0]?.fields.map(([name]) => name.toLowerCase()) ?? []
    const own = ['via', 'x-auth-principal', 'x-auth-attributes', 'x-forwarded-host']
    const last = Math.max(...own.map((name) => names.indexOf(name)))
    expect(own.filter((name) => !names.includes(name))).toEqual([])
    expect(names.slice(0, last).filter((name) => /^(?:a|accept|cookie)$/.test(name))).toEqual([])
  })
}

/** Sends the bytes of a row to a gateway, and returns the differences from the row. */
async function playRow(row: GatewayRow, port: number, upstream: RawUpstream): Promise<string[]> {
  const { path, answered } = row
  if (answered !== undefined) upstream.plan(path, (call) => whenComplete(call, answered))
  const before = upstream.calls.length
  const socket = await openSocket(port)
  socket.on('error', () => undefined).write(serialize(row), 'latin1')
  const response = parseResponse(Buffer.from(await readAll(socket), 'latin1'))
  const calls = upstream.calls.slice(before)
  return [
    ...problemsOfCount(row, calls.length),
    ...calls.flatMap((call) => problemsOfCall(row, call)),
    ...problemsOfResponse(row, response),
  ]
}

// A second call would be request smuggling.
const COUNTS = { once: [1], never: [0], maybe: [0, 1] } as const

function problemsOfCount({ upstream = 'once' }: GatewayRow, count: number): string[] {
  const allowed: readonly number[] = COUNTS[upstream]
  return allowed.includes(count) ? [] : [`the upstream was asked ${count} times`]
}

function problemsOfCall(row: GatewayRow, call: UpstreamCall): string[] {
  const { upstream = 'once', path, asked, told = {}, toldBody } = row
  const { line } = call
  const problems = Object.entries(told)
    .map(([name, expected]) => ({ name, expected, value: fieldOf(call, name) }))
    .filter(({ expected, value }) => !isAs(value, expected))
    .map(({ name, value }) => `the upstream was told ${name}: ${value}`)
  if (upstream === 'once' && !line.includes(path)) problems.push(`it was asked ${line}`)
  if (asked !== undefined && line !== asked) problems.push(`it was asked ${line}`)
  if (call.content().includes('smuggled')) problems.push('it got the bytes after the body')
  if (toldBody !== undefined && bodyOf(call) !== toldBody) {
    problems.push(`it was told the body ${bodyOf(call)}`)
  }
  return problems
}

function isAs(value: string | undefined, expected: string | RegExp | undefined): boolean {
  return expected instanceof RegExp ? expected.test(value ?? '') : value === expected
}

/** `0` is the status if there was none. */
function problemsOfResponse(row: GatewayRow, response: RawResponse | undefined): string[] {
  const { statuses = [200], got = {}, gotBody } = row
  const { status = 0, reason = '', headers = new Map<string, string[]>() } = response ?? {}
  const body = response?.content.toString('latin1') ?? ''
  const problems = statuses.includes(status) ? [] : [`the client got ${status}`]
  if (status !== 0 && reason === '') problems.push(`it got ${status} without a reason phrase`)
  if (body.includes('secret')) problems.push('it got what the upstream hides')
  // A server that rejects a request has its own response.
  if (status !== 200 && statuses.length > 1) return problems
  for (const [name, values] of Object.entries(got)) {
    const received = headers.get(name) ?? []
    if (received.join('\n') !== values.join('\n'))
      problems.push(`it got ${name}: ${received.join()}`)
  }
  if (gotBody !== undefined && body !== gotBody) problems.push(`it got the body ${body}`)
  return problems
}

/** Reads until the connection ends, also by a reset. */
async function readAll(socket: Socket): Promise<string> {
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  await new Promise((resolve) => socket.once('close', resolve))
  return received
}

function serialize({ line, path, fields = [], body = '' }: GatewayRow): string {
  const has = (name: string): boolean =>
    fields.some((field) => field.toLowerCase().startsWith(`${name}:`))
  const own = [
    has('host') ? [] : ['Host: api.test'],
    has('connection') ? [] : ['Connection: close'],
  ]
  return [`${line ?? `GET ${path}`} HTTP/1.1`, ...own.flat(), ...fields, '', body].join('\r\n')
}
