import { describe, expect, it } from 'vitest'
import { createDecisionLog, createRequestLog } from '../../src/cli/decision-log.ts'
import { createChannel } from '../../src/core/events.ts'
import { get } from '../support/requests.ts'
import { createSurroundings } from '../support/surroundings.ts'
import type { DecisionEvent } from '../../src/index.ts'

const ALLOW: DecisionEvent = {
  type: 'decision',
  outcome: 'allow',
  path: '/a',
  method: 'GET',
  principal: 'alice',
  durationMs: 1.23456789,
  cache: 'off',
  attempts: 1,
}

function createLines() {
  const lines: string[] = []
  return {
    lines,
    log: createDecisionLog({ ...createSurroundings(), print: (text) => lines.push(text) }),
    parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

describe('a log that cannot be written', () => {
  const epipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

  it('says so once on standard error, and writes no more', () => {
    const surroundings = createSurroundings()
    const log = createDecisionLog(surroundings)
    log({ type: 'warning', message: 'read' })
    surroundings.failToPrint(epipe)
    surroundings.failToPrint(epipe)
    log({ type: 'warning', message: 'lost' })
    expect(surroundings.printed()).toMatch(/^[^\n]*read[^\n]*\n$/)
    expect(surroundings.noted()).toBe(
      'with-auth: the log cannot be written (EPIPE): serving goes on without it\n',
    )
  })
})

describe('a log', () => {
  it('has one line of JSON for each event, whatever is in it', () => {
    const { log, lines, parsed } = createLines()
    const path = '/a\n{"outcome":"allow"}\r\u2028\u2029\u009b2J\u007f\u202e\u2066'
    log({ type: 'decision', outcome: 'deny', path })
    log({ type: 'warning', message: 'look' })
    expect(lines).toHaveLength(2)
    // Only printable ASCII: everything else here is escaped.
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/)
    const [one, two] = parsed()
    expect(one).toMatchObject({ type: 'decision', outcome: 'deny', path })
    expect(one?.['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(two).toMatchObject({ type: 'warning', message: 'look' })
  })

  it('writes the letters of other languages as they are', () => {
    const { log, lines } = createLines()
    log({ type: 'decision', principal: 'Zoë 名' })
    expect(lines[0]).toContain('"principal":"Zoë 名"')
  })

  it.each([
    [1.23456789, 1.235],
    [0.0004, 0],
    [12, 12],
  ])('writes a duration of %f ms with three decimals at most: %f', (durationMs, written) => {
    const { log, parsed } = createLines()
    log({ type: 'answer', durationMs, otherMs: 1.23456789 })
    expect(parsed()).toMatchObject([{ durationMs: written, otherMs: 1.23456789 }])
  })
})

it('a log has the code of a cause, and nothing of an error', () => {
  const { log, parsed } = createLines()
  const { onEvent, answered } = createRequestLog(log, true)
  const error = Object.assign(new Error('sk-secret'), { token: 'sk-secret' })
  const { principal: _, ...decision } = ALLOW
  const told = { ...decision, outcome: 'deny', durationMs: 1, cause: 'ECONNREFUSED' } as const
  const request = get('/a')
  for (const observer of [log, onEvent]) {
    createChannel(observer, () => undefined).report?.({ ...told }, error, request)
  }
  answered(request, 401)
  const line = { ...told, time: expect.any(String) as string }
  expect(parsed()).toEqual([line, { ...line, status: 401 }])
})

describe('a log of requests', () => {
  function create(logsPrincipal = false) {
    const { log, parsed } = createLines()
    const { onEvent, answered } = createRequestLog(log, logsPrincipal)
    const { report } = createChannel(onEvent, () => undefined)
    return { report, answered, parsed }
  }

  it('writes a decision once its request is answered, with the status of that', () => {
    const { report, answered, parsed } = create()
    const [one, two] = [get('/a'), get('/a')]
    report?.({ ...ALLOW, path: '/one' }, undefined, one)
    report?.({ ...ALLOW, path: '/two', outcome: 'deny', status: 401 }, undefined, two)
    expect(parsed()).toEqual([])
    answered(two, 200)
    answered(one, 502)
    const { principal: _, ...shown } = ALLOW
    const common = { ...shown, time: expect.any(String) as string, durationMs: 1.235 }
    expect(parsed()).toEqual([
      { ...common, path: '/two', outcome: 'deny', status: 200 },
      { ...common, path: '/one', status: 502 },
    ])
  })

  it('has the principal only if that is wanted', () => {
    for (const logsPrincipal of [false, true]) {
      const { report, answered, parsed } = create(logsPrincipal)
      const [named, unnamed] = [get('/a'), get('/a')]
      const { principal: _, ...nobody } = ALLOW
      report?.({ ...ALLOW }, undefined, named)
      report?.({ ...nobody }, undefined, unnamed)
      answered(named, 200)
      answered(unnamed, 200)
      const principals = parsed().map((line) => line['principal'])
      expect(principals).toEqual([logsPrincipal ? 'alice' : undefined, undefined])
    }
  })

  it('writes every other event at once', () => {
    const { report, parsed } = create()
    report?.({ type: 'circuit', state: 'open', tokens: 'known' })
    report?.({ type: 'warning', message: 'careful' })
    expect(parsed()).toMatchObject([{ state: 'open' }, { message: 'careful' }])
  })

  it('writes nothing for a request without a decision', () => {
    const { answered, parsed } = create()
    answered(get('/a'), 200)
    expect(parsed()).toEqual([])
  })
})
