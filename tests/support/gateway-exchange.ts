import { expect } from 'vitest'
import { bodyOf, fieldOf, whenComplete } from './raw-upstream.ts'
import { openSocket } from './raw-client.ts'
import type { GatewayRow } from './gateway-rows.ts'
import type { RawUpstream, UpstreamCall } from './raw-upstream.ts'

/** Sends the bytes of a row to a gateway, and compares what the upstream and the client got. */
export async function playRow(row: GatewayRow, port: number, upstream: RawUpstream): Promise<void> {
  const { path, answered, statuses = [200], got = {}, gotBody } = row
  if (answered !== undefined) upstream.plan(path, (call) => whenComplete(call, answered))
  const before = upstream.calls.length
  const response = parse(await readAnswer(port, serialize(row)))
  const calls = upstream.calls.slice(before)
  expect(statuses).toContain(response.status)
  checkCalls(row, calls)
  if (response.status !== 200 && statuses.length > 1) return
  for (const [name, values] of Object.entries(got)) {
    expect([name, response.fields.get(name) ?? []]).toEqual([name, values])
  }
  if (gotBody !== undefined) expect(response.body).toBe(gotBody)
  expect(response.body).not.toContain('secret')
}

function checkCalls(row: GatewayRow, calls: readonly UpstreamCall[]): void {
  const { upstream: times = 'once', path, asked, told = {}, toldBody } = row
  if (times === 'never') expect(calls).toEqual([])
  if (times === 'once') expect(calls).toHaveLength(1)
  // Nobody smuggles a second request, whatever was made of the first.
  expect(calls.length).toBeLessThanOrEqual(1)
  for (const call of calls) {
    expect(call.content()).not.toContain('smuggled')
    if (times === 'once') expect(call.line).toContain(path)
    if (asked !== undefined) expect(call.line).toBe(asked)
    if (toldBody !== undefined) expect(bodyOf(call)).toBe(toldBody)
    for (const [name, expected] of Object.entries(told))
      compare(name, fieldOf(call, name), expected)
  }
}

function compare(name: string, value: string | undefined, expected: string | RegExp | undefined) {
  if (expected instanceof RegExp)
    expect(`${name}: ${value}`).toMatch(new RegExp(expected.source.replace('^', `^${name}: `)))
  if (!(expected instanceof RegExp)) expect([name, value]).toEqual([name, expected])
}

// A reset is an end like any other: what counts is what came before.
async function readAnswer(port: number, bytes: string): Promise<string> {
  const socket = await openSocket(port)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  let received = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => (received += chunk.toString('latin1')))
  socket.write(bytes, 'latin1')
  await closed
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

interface ParsedResponse {
  /** `0` if there was none. */
  readonly status: number
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

function parse(bytes: string): ParsedResponse {
  // What comes before the last head is interim.
  const [head = '', ...rest] = bytes
    .replace(/^HTTP\/1\.1 1\d\d[^]*?\r\n\r\n(?=HTTP)/, '')
    .split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const fields = new Map<string, string[]>()
  for (const field of lines) {
    const colon = field.indexOf(':')
    const name = field.slice(0, colon).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), field.slice(colon + 1).trim()])
  }
  const content = rest.join('\r\n\r\n')
  const isChunked = fields.has('transfer-encoding')
  const body = isChunked
    ? content
        .split('\r\n')
        .filter((_, index) => index % 2 === 1)
        .join('')
    : content
  return { status: Number(line.split(' ')[1] ?? 0), fields, body }
}
