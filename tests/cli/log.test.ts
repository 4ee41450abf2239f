import { describe, expect, it } from 'vitest'
import { createDecisionLog, formatJson, formatReadable } from '../../src/cli/log.ts'
import { createSurroundings } from '../support/surroundings.ts'
import type { LogEntry } from '../../src/cli/log.ts'

const KEY = `withauth_${'aB3'.repeat(16)}x`

describe('a JSON line', () => {
  it('stays one line whatever it contains', () => {
    const path =
      '/a\n{"outcome":"allow"}\r\u2028\u2029\u009b2J\u007f\u202e\u2066\u200f\u061c\u00a0\ufeff'
    const line = formatJson({ type: 'decision', outcome: 'deny', path })
    expect(line).toMatch(/^[\x20-\x7e]+\n$/)
    expect(formatJson({ type: 'decision', principal: 'Zoë 名' })).toContain('"principal":"Zoë 名"')
    const parsed = JSON.parse(line) as Record<string, unknown>
    expect(parsed).toMatchObject({ type: 'decision', outcome: 'deny', path })
    expect(parsed['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('hides an API key of this package, whole or cut', () => {
    const entry = { type: 'decision', path: `/p/${KEY}`, requestId: `a-${KEY.slice(0, 30)}.b` }
    expect(JSON.parse(formatJson(entry))).toMatchObject({
      path: '/p/withauth_...',
      requestId: 'a-withauth_....b',
    })
  })

  it.each([
    [1.23456789, 1.235],
    [0.0004, 0],
    [12, 12],
  ])('rounds a duration of %f ms to three decimals: %f', (durationMs, written) => {
    const line = formatJson({ type: 'answer', durationMs, otherMs: 1.23456789 })
    expect(JSON.parse(line)).toMatchObject({ durationMs: written, otherMs: 1.23456789 })
  })
})

const DECISION = {
  type: 'decision',
  outcome: 'allow',
  path: '/v1/models',
  method: 'GET',
  durationMs: 3.1234,
  cache: 'miss',
  attempts: 1,
  status: 200,
  upstreamStatus: 200,
  upstreamMs: 12.3456789,
  requestId: '2f1c',
  clientAddress: '192.0.2.7',
} as const

function read(entry: LogEntry, colors = false): string {
  return formatReadable(entry, colors)
}

describe('a readable line', () => {
  const CHECK = 'check 3.1 ms'
  const deny = (reason: string, status = 401) => ({ outcome: 'deny', reason, status })
  const revoked = { ...deny('denied'), detail: 'revoked', cause: 'the id is ci' }
  const down = { status: 502, failure: 'upstream_unreachable', upstreamCause: 'ECONNREFUSED' }

  it.each<[string, object, string]>([
    ['an allow', {}, `200 GET  /v1/models allow ${CHECK}`],
    ['a cache hit', { cache: 'hit' }, `200 GET  /v1/models allow ${CHECK} cached`],
    ['a principal', { principal: 'a b' }, `200 GET  /v1/models allow ${CHECK} principal=a b`],
    ['a method', { method: 'DELETE' }, `200 DELETE /v1/models allow ${CHECK}`],
    [
      'a denial that says why',
      revoked,
      `401 GET  /v1/models denied (revoked: the id is ci) ${CHECK}`,
    ],
    [
      'an outage',
      { ...deny('unreachable', 503), cause: 'ECONNREFUSED' },
      `503 GET  /v1/models unreachable (ECONNREFUSED) ${CHECK}`,
    ],
    [
      'an upstream that is down',
      down,
      `502 GET  /v1/models allow upstream_unreachable (ECONNREFUSED) ${CHECK}`,
    ],
    [
      'shadow mode',
      { ...deny('denied', 200), shadow: true },
      `200 GET  /v1/models shadow:denied ${CHECK}`,
    ],
    [
      'the rule that forbade it',
      { ...deny('forbidden', 403), rule: 0 },
      `403 GET  /v1/models forbidden rule=0 ${CHECK}`,
    ],
    ['a hidden path', { path: '' }, `200 GET  - allow ${CHECK}`],
    ['a long path', { path: `/${'a'.repeat(99)}` }, `200 GET  /${'a'.repeat(46)}… allow ${CHECK}`],
    [
      'a long principal',
      { principal: 'p'.repeat(256) },
      `200 GET  /v1/models allow ${CHECK} principal=${'p'.repeat(39)}…`,
    ],
  ])('shows %s', (_, facts, expected) => {
    expect(read({ ...DECISION, ...facts })).toMatch(/^\d\d:\d\d:\d\d /)
    expect(read({ ...DECISION, ...facts }).slice(9)).toBe(`${expected}\n`)
  })

  it.each<[LogEntry, string]>([
    [{ type: 'warning', message: 'look out' }, 'warning look out\n'],
    [{ type: 'circuit', state: 'open', tokens: 'known' }, 'circuit state=open tokens=known\n'],
    [{ type: 'endpoint', state: 'proven', cause: undefined }, 'endpoint state=proven\n'],
    [{ type: 'answer', status: 200, durationMs: 1.23456 }, 'answer status=200 durationMs=1.235\n'],
    [
      { type: 'answer', upstreamMs: 1.23456, otherMs: 1.23456 },
      'answer upstreamMs=1.235 otherMs=1.23456\n',
    ],
  ])('shows %j', (entry, expected) => {
    expect(read(entry).slice(9)).toBe(expected)
  })

  it('omits the start, which is announced on standard error', () => {
    expect(read({ type: 'listening', url: 'http://127.0.0.1:1' })).toBe('')
  })

  it('colors each class of status on demand', () => {
    const colorOf = (status: number): string | undefined =>
      // oxlint-disable-next-line no-control-regex
      /\x1b\[(\d+)m\d{3}\x1b\[0m/.exec(read({ ...DECISION, status }, true))?.[1]
    expect([200, 302, 404, 503].map(colorOf)).toEqual(['32', '36', '33', '31'])
    expect(read(DECISION)).not.toContain('\x1b')
  })

  it.each(['path', 'method', 'principal', 'reason', 'failure', 'upstreamCause', 'cause'])(
    'cannot be forged through its %s',
    (name) => {
      const evil =
        '/\n12:00:00 200\r\x1b[32m\u009b2J\u2028\u202e\u2066\u200f\u061c\u200b\ufeff\u00a0'
      const entry = { ...DECISION, principal: 'p', reason: 'denied', failure: 'f', [name]: evil }
      expect(read(entry)).toMatch(/^[\x20-\x7e\u2026]+\n$/)
      expect(read({ type: 'warning', message: evil, [evil]: 1 })).toMatch(/^[\x20-\x7e]+\n$/)
    },
  )
})

describe('a log that cannot be written', () => {
  const epipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

  it('ends with one message on standard error', () => {
    const surroundings = createSurroundings()
    const log = createDecisionLog(surroundings, false)
    log({ type: 'warning', message: 'read' })
    surroundings.failToPrint(epipe)
    surroundings.failToPrint(epipe)
    log({ type: 'warning', message: 'lost' })
    expect(surroundings.printed()).toMatch(/^[^\n]*read[^\n]*\n$/)
    expect(surroundings.noted()).toBe(
      'with-auth: the log cannot be written (EPIPE): serving continues without it\n',
    )
  })
})

describe('a log whose reader is slow', () => {
  const MIB = 1_048_576
  const START = 'with-auth: the reader of the log is slow: lines are dropped until it catches up\n'

  function create() {
    const surroundings = createSurroundings()
    let waiting = 0
    let lost = 0
    const drop = (): void => void (lost += 1)
    const log = createDecisionLog({ ...surroundings, unwritten: () => waiting }, false, drop)
    return {
      ...surroundings,
      lost: () => lost,
      write: (message: string, unwritten: number) => {
        waiting = unwritten
        log({ type: 'warning', message })
      },
    }
  }

  it('buffers a MiB, then drops lines', () => {
    const { write, printed, noted, lost, failToPrint } = create()
    write('one', MIB)
    expect([noted(), lost()]).toEqual(['', 0])
    write('two', MIB + 1)
    write('three', MIB + 1)
    expect(lost()).toBe(2)
    expect(printed()).toMatch(/^.*"one".*\n$/)
    expect(noted()).toBe(START)
    failToPrint(new Error('closed'))
    write('four', 0)
    expect(lost()).toBe(3)
  })

  it('resumes when everything is written, and counts the dropped lines', () => {
    const { write, printed, noted } = create()
    write('one', MIB + 1)
    write('two', 1)
    write('three', 0)
    write('four', 1)
    const message = 'log lines dropped because the reader was too slow: 2'
    expect(
      printed()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([{ type: 'warning', message }, { message: 'three' }, { message: 'four' }])
    expect(noted()).toBe(`${START}with-auth: ${message}\n`)
    write('five', MIB + 1)
    write('six', 0)
    expect(noted()).toMatch(/too slow: 1\n$/)
  })
})

describe('the format of the log', () => {
  it.each([
    [false, false, 'JSON'],
    [true, false, 'readable'],
    [true, true, 'JSON'],
    [false, true, 'JSON'],
  ])('terminal: %s, --json: %s: %s', (isTerminal, isJson, form) => {
    const surroundings = createSurroundings({}, '', { isTerminal, colors: false })
    createDecisionLog(surroundings, isJson)({ type: 'warning', message: 'careful' })
    expect(surroundings.printed()).toMatch(
      form === 'JSON' ? /^\{.*\}\n$/ : /^\S+ warning careful\n$/,
    )
  })
})
