import { bodyOf, fieldOf, whenComplete } from './raw-upstream.ts'
import { openSocket, parseResponse } from './raw-client.ts'
import type { Socket } from 'node:net'
import type { GatewayRow } from './gateway-rows.ts'
import type { RawResponse } from './raw-client.ts'
import type { RawUpstream, UpstreamCall } from './raw-upstream.ts'

/** Sends the bytes of a row to a gateway, and returns the differences from the row. */
export async function playRow(
  row: GatewayRow,
  port: number,
  upstream: RawUpstream,
): Promise<string[]> {
  const { path, answered } = row
  if (answered !== undefined) upstream.plan(path, (call) => whenComplete(call, answered))
  const before = upstream.calls.length
  const response = parseResponse(Buffer.from(await readAnswer(port, serialize(row)), 'latin1'))
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

async function readAnswer(port: number, bytes: string): Promise<string> {
  const socket = await openSocket(port)
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  return readAll(socket)
}

/** Reads until the connection ends, also by a reset. */
export async function readAll(socket: Socket): Promise<string> {
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString('latin1')))
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
