import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatJson, formatReadable } from '../../src/cli/log.ts'
import { ensureBuilt } from '../support/built-package.ts'
import { entry as keyEntry, keysText } from '../support/key-questions.ts'
import { ROOT } from '../support/project.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { LogEntry } from '../../src/cli/log.ts'

const KEY = `withauth_${'aB3'.repeat(16)}x`

describe('a line of JSON', () => {
  it('is one line, whatever is in it', () => {
    const path =
      '/a\n{"outcome":"allow"}\r\u2028\u2029\u009b2J\u007f\u202e\u2066\u200f\u061c\u00a0\ufeff'
    const line = formatJson({ type: 'decision', outcome: 'deny', path })
    // Only printable ASCII: everything else here is escaped.
    expect(line).toMatch(/^[\x20-\x7e]+\n$/)
    const parsed = JSON.parse(line) as Record<string, unknown>
    expect(parsed).toMatchObject({ type: 'decision', outcome: 'deny', path })
    expect(parsed['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('has the letters of other languages as they are', () => {
    expect(formatJson({ type: 'decision', principal: 'Zoë 名' })).toContain('"principal":"Zoë 名"')
  })

  it('has no API key of this package in any text, whole or cut', () => {
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
  ])('has a duration of %f ms with three decimals at most: %f', (durationMs, written) => {
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
  requestId: '2f1c',
  clientAddress: '192.0.2.7',
} as const

function read(entry: LogEntry, colors = false): string {
  return formatReadable(entry, colors)
}

describe('a readable line', () => {
  it.each<[string, object, string]>([
    ['an allow', {}, '200 GET  /v1/models allow check 3.1 ms'],
    ['a cache hit', { cache: 'hit' }, '200 GET  /v1/models allow check 3.1 ms cached'],
    [
      'a principal',
      { principal: 'alice' },
      '200 GET  /v1/models allow check 3.1 ms principal=alice',
    ],
    [
      'a denial',
      { method: 'DELETE', outcome: 'deny', reason: 'denied', status: 401 },
      '401 DELETE /v1/models denied check 3.1 ms',
    ],
    [
      'an outage',
      { outcome: 'deny', reason: 'unreachable', cause: 'ECONNREFUSED', status: 503 },
      '503 GET  /v1/models unreachable (ECONNREFUSED) check 3.1 ms',
    ],
    [
      'an upstream that is down',
      { status: 502, failure: 'upstream_unreachable', upstreamCause: 'ECONNREFUSED' },
      '502 GET  /v1/models allow upstream_unreachable (ECONNREFUSED) check 3.1 ms',
    ],
    [
      'shadow mode',
      { outcome: 'deny', reason: 'denied', shadow: true },
      '200 GET  /v1/models shadow:denied check 3.1 ms',
    ],
    ['a hidden path', { path: '' }, '200 GET  - allow check 3.1 ms'],
    [
      'a long path',
      { path: `/${'a'.repeat(300)}` },
      `200 GET  /${'a'.repeat(46)}… allow check 3.1 ms`,
    ],
    [
      'a long principal',
      { principal: 'p'.repeat(256) },
      `200 GET  /v1/models allow check 3.1 ms principal=${'p'.repeat(39)}…`,
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
  ])('shows %j', (entry, expected) => {
    expect(read(entry).slice(9)).toBe(expected)
  })

  it('has no API key of this package', () => {
    const line = read({ ...DECISION, path: `/p/${KEY}`, principal: KEY })
    expect(line).toContain(' /p/withauth_... allow ')
    expect(line).toContain(' principal=withauth_...\n')
  })

  it('leaves out the start, which standard error tells', () => {
    expect(read({ type: 'listening', url: 'http://127.0.0.1:1' })).toBe('')
  })

  it('has a colour for each class of status, if colours are wanted', () => {
    const colorOf = (status: number): string | undefined =>
      // oxlint-disable-next-line no-control-regex
      /\x1b\[(\d+)m\d{3}\x1b\[0m/.exec(read({ ...DECISION, status }, true))?.[1]
    expect([200, 302, 404, 503].map(colorOf)).toEqual(['32', '36', '33', '31'])
    expect(read(DECISION)).not.toContain('\x1b')
  })

  it.each(['path', 'method', 'principal', 'reason', 'failure', 'upstreamCause', 'cause'])(
    'cannot be forged by its %s',
    (name) => {
      const evil =
        '/\n12:00:00 200\r\x1b[32m\u009b2J\u2028\u202e\u2066\u200f\u061c\u200b\ufeff\u00a0'
      const entry = { ...DECISION, principal: 'p', reason: 'denied', failure: 'f', [name]: evil }
      expect(read(entry)).toMatch(/^[\x20-\x7e\u2026]+\n$/)
    },
  )

  it('cannot be forged by another event', () => {
    const evil = 'a\n\x1b[32m\u202e'
    expect(read({ type: 'warning', message: evil, [evil]: 1 })).toMatch(/^[\x20-\x7e]+\n$/)
  })
})

const hasTerminal = spawnSync('script', ['--version']).status === 0

describe.skipIf(!hasTerminal)('the log on a terminal of its own', { tags: ['slow'] }, () => {
  const pathOf = setupFolder()

  async function lineFor(path: string, env: Record<string, string>, more = ''): Promise<string> {
    ensureBuilt()
    writeFileSync(pathOf('keys.yaml'), keysText(keyEntry('k1')))
    const command = `'${process.execPath}' '${join(ROOT, 'dist/cli.js')}' gateway --keys keys.yaml`
    const line = `${command} --upstream http://127.0.0.1:9 --port=0 ${more}`
    const program = spawnProgram('script', ['-qec', line, '/dev/null'], {
      cwd: pathOf('.'),
      env: { TERM: 'xterm', ...env },
    })
    const [url] = await program.printed(/http:\/\/127[\d.:]+/)
    await fetch(url + path)
    const [printed] = await program.printed(/^.*missing_credentials.*$/m)
    program.kill('SIGTERM')
    await program.ended
    return printed.trimEnd()
  }

  it('is readable and in colour, and a path cannot change that', async () => {
    const path = '/a%1b[32m%0a%e2%80%ae"'
    expect(await lineFor(path, {})).toMatch(
      // oxlint-disable-next-line no-control-regex
      /^\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m \x1b\[33m401\x1b\[0m GET  \/a[\x20-\x7e]+ missing_credentials check \d+\.\d ms$/,
    )
  }, 60_000)

  it('has no colour with NO_COLOR, and is JSON with --json', async () => {
    expect(await lineFor('/a', { NO_COLOR: '1' })).toMatch(/^\d\d:\d\d:\d\d 401 GET  \/a missing/)
    expect(await lineFor('/a', {}, '--json')).toMatch(/^\{"time":.*\}$/)
  }, 60_000)
})
