import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runMatrix } from './raw-requests/matrix.ts'
import {
  describeExpected,
  describeObserved,
  expectedOn,
  LISTED,
  nameVariant,
} from './raw-requests/outcome.ts'
import { ROWS } from './raw-requests/rows.ts'
import { SERVERS } from './raw-requests/servers.ts'
import type { ProgramRun } from './raw-requests/matrix.ts'
import type { Row } from './raw-requests/row.ts'
import type { RawServer } from './raw-requests/servers.ts'

const CRASH = /unhandled|uncaught|panicked|segmentation fault|core dumped|fatal error/i
// workerd prints this for each CONNECT, which it answers with a 5xx.
const NO_CONNECT = /Handler does not export a connect\(\) function/

const runs = new Map<RawServer, PromiseSettledResult<ProgramRun[]>>()

// All servers at once: each test then reads what has happened.
beforeAll(async () => {
  const pending = SERVERS.map((server) => runMatrix(server, ROWS, inject('app')))
  const settled = await Promise.allSettled(pending)
  SERVERS.forEach((server, index) => {
    const result = settled[index]
    if (result !== undefined) runs.set(server, result)
  })
}, 180_000)

afterAll(() => {
  console.log(
    [
      `Raw requests: ${ROWS.length} rows on ${SERVERS.length} servers,`,
      `${LISTED.length} differences listed`,
      ...SERVERS.map((server) => describeRun(server)),
    ].join('\n'),
  )
})

function describeRun(server: RawServer): string {
  const { title } = server
  const result = runs.get(server)
  if (result?.status !== 'fulfilled') return `${title}: failed`
  const observations = result.value.flatMap((run) => run.observations)
  const calls = observations.reduce((sum, { calls: { length } }) => sum + length, 0)
  const asked = observations.reduce((sum, { questions: { length } }) => sum + length, 0)
  const version = result.value[0]?.version
  return `${title} ${version}: ${observations.length} requests, ${asked} questions, ${calls} handled`
}

function resultsOf(server: RawServer): ProgramRun[] {
  const result = runs.get(server)
  if (result?.status === 'fulfilled') return result.value
  throw new Error(`${server.title} did not finish`, { cause: result?.reason })
}

it('every difference that is listed is one, is sent by day, and stands once', () => {
  const keys = LISTED.map(({ server, variant }) => `${server} ${variant}`)
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  const sent = ROWS.flatMap((row) =>
    row.variants.map((variant) => [nameVariant(row, variant), variant.expected] as const),
  )
  const usual = new Map(sent)
  expect(usual.size).toBe(sent.length)
  const isNone = ({ variant, expected }: (typeof LISTED)[number]): boolean =>
    !usual.has(variant) || isDeepStrictEqual(expected, usual.get(variant))
  expect(LISTED.filter(isNone)).toEqual([])
})

describe.each(SERVERS.map((server) => [server.title, server] as const))('%s', (_title, server) => {
  it.each(ROWS.map((row) => [row.title, row] as const))('%s', (_name, row) => {
    const observed = observationsOf(server, row)
    expect(observed.flatMap(({ violations }) => violations)).toEqual([])
    const judged = observed.filter(({ program }) => program !== 'hono-middleware')
    const outcomes = judged.map((observation) => {
      const { program, variant } = observation
      const expected = expectedOn(server, row, variant)
      const outcome = describeObserved(observation, expected)
      return {
        name: `${program}: ${variant.name}`,
        outcome,
        expected: describeExpected(expected),
      }
    })
    const named = (key: 'outcome' | 'expected'): object =>
      Object.fromEntries(outcomes.map((each) => [each.name, each[key]]))
    expect(named('outcome')).toEqual(named('expected'))
    expect(observed).not.toEqual([])
  })

  it.each(['function', 'hono', 'hono-middleware', 'hono-mounted', 'cached'])(
    'answers an ordinary request after all others, called no handler late, and did not crash: %s',
    (program) => {
      const run = resultsOf(server).find((each) => each.program === program)
      expect(run?.last.response?.status).toBe(200)
      expect(run?.last.calls).toHaveLength(1)
      const traces = [...(run?.observations ?? []), ...(run === undefined ? [] : [run.last])]
      const calls = traces.reduce((sum, trace) => sum + trace.calls.length, 0)
      const lines = (run?.printed ?? '').split('\n')
      const handled = lines.filter((line) => line.startsWith('HANDLER ')).length
      expect(handled).toBe(calls + (run?.fences ?? 0))
      expect(lines.filter((line) => CRASH.test(line) && !NO_CONNECT.test(line))).toEqual([])
    },
  )
})

function observationsOf(server: RawServer, row: Row): ProgramRun['observations'] {
  return resultsOf(server).flatMap((run) => run.observations.filter((each) => each.row === row))
}
