import { beforeAll, describe, expect, inject, it } from 'vitest'
import { describeExpected, describeObserved, expectedOn, runMatrix } from './raw-requests/matrix.ts'
import { ROWS } from './raw-requests/rows.ts'
import { SERVERS } from './raw-requests/servers.ts'
import type { ProgramRun } from './raw-requests/matrix.ts'
import type { Row } from './raw-requests/row.ts'
import type { RawServer } from './raw-requests/servers.ts'

const CRASH = /unhandled|uncaught|panicked|segmentation fault|core dumped|fatal error/i
// workerd prints this for each CONNECT, which it answers with a 5xx.
const NO_CONNECT = /Handler does not export a connect\(\) function/

const runs = new Map<RawServer, PromiseSettledResult<ProgramRun[]>>()

// A few servers at once: each test then reads what has happened.
const AT_ONCE = 4
beforeAll(async () => {
  const waiting = [...SERVERS]
  const runNext = async (): Promise<void> => {
    for (let server = waiting.shift(); server !== undefined; server = waiting.shift()) {
      const [result] = await Promise.allSettled([runMatrix(server, ROWS, inject('app'))])
      runs.set(server, result)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, runNext))
}, 300_000)

function resultsOf(server: RawServer): ProgramRun[] {
  const result = runs.get(server)
  if (result?.status === 'fulfilled') return result.value
  throw new Error(`${server.title} did not finish`, { cause: result?.reason })
}

it('the name of each variant, and of each row, is its own', () => {
  const variantsOf = (row: Row): string[] => row.variants.map(({ name }) => `${row.title}: ${name}`)
  const names = ROWS.flatMap(variantsOf)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

describe.each(SERVERS.map((server) => [server.title, server] as const))('%s', (_title, server) => {
  it.each(ROWS.map((row) => [row.title, row] as const))('%s', (_name, row) => {
    const observed = observationsOf(server, row)
    expect(observed.flatMap(({ violations }) => violations)).toEqual([])
    const judged = observed.filter(({ program }) => program !== 'hono-middleware')
    const outcomes = judged.map((observation) => {
      const { program, variant } = observation
      const expected = expectedOn(server, variant)
      return {
        name: `${program}: ${variant.name}`,
        outcome: describeObserved(observation, expected),
        expected: describeExpected(expected),
      }
    })
    const named = (key: 'outcome' | 'expected'): object =>
      Object.fromEntries(outcomes.map((each) => [each.name, each[key]]))
    expect(named('outcome')).toEqual(named('expected'))
    expect(observed).not.toEqual([])
  })

  it.each(['function', 'hono', 'hono-middleware', 'hono-mounted'])(
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
