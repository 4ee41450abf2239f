import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { DEVIATIONS } from './endpoint-faults/deviations.ts'
import { CAUSES, isKnown } from './endpoint-faults/printed.ts'
import { ALL_ROWS, ROWS } from './endpoint-faults/rows.ts'
import { runCase } from './endpoint-faults/site.ts'
import { HEALTHY, STARTS, startTarget } from './endpoint-faults/targets.ts'
import type { Case, Expected, Identity, Row, RuntimeName } from './endpoint-faults/row.ts'
import type { RunningTarget } from './endpoint-faults/targets.ts'

/** A broken, slow or hostile endpoint: each row on each runtime, with and without an identity that is required. */

const IDENTITIES = ['optional', 'required'] as const
const RUNTIMES = Object.keys(STARTS) as RuntimeName[]
const MATRIX = RUNTIMES.flatMap((runtime) =>
  IDENTITIES.map((identity) => [runtime, identity] as const),
)
const TITLED = ROWS.map((row) => [row.title, row] as const)
const TOGETHER = TITLED.filter(([, row]) => row.alone !== true)
const ALONE = TITLED.filter(([, row]) => row.alone === true)
const LIMIT_MS = 30_000
const runs = new Map<string, number>()

afterAll(() => {
  const lines = [...runs].map(([name, count]) => `${String(count).padStart(5)} on ${name}`)
  const total = [...runs.values()].reduce((sum, count) => sum + count, 0)
  console.log(['Runs with a broken endpoint:', ...lines, `${total} in all`].join('\n'))
})

it('deviates from cases that exist, and always runs their rows', () => {
  const known = new Set(
    ALL_ROWS.flatMap(({ id, cases }) => cases.map(({ name }) => `${id} ${name}`)),
  )
  const deviating = DEVIATIONS.flatMap(({ row, cases }) => cases.map((name) => `${row} ${name}`))
  expect(deviating.filter((name) => !known.has(name))).toEqual([])
  const ids = new Set(ROWS.map(({ id }) => id))
  expect(DEVIATIONS.filter(({ row }) => !ids.has(row))).toEqual([])
})

describe.each(MATRIX)('%s, identity %s', (runtime, identity) => {
  let target: RunningTarget

  beforeAll(async () => {
    target = await startTarget(runtime, identity, inject('app'))
  })
  afterAll(() => target.server.stop())

  /** Runs all cases of a row, and returns what went wrong. */
  async function run(row: Row): Promise<string[]> {
    const running: Promise<void>[] = []
    for (const given of row.cases) {
      const expected = expectedOf(runtime, identity, row, given)
      running.push(runCase(target, `${row.id} ${given.name}`, given, expected))
      if (row.alone === true) await Promise.allSettled(running)
    }
    const failures = (await Promise.allSettled(running)).flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as Error).message] : [],
    )
    const name = `${runtime} ${target.server.version}, identity ${identity}`
    runs.set(name, (runs.get(name) ?? 0) + 1)
    return failures
  }

  it.concurrent.each(TOGETHER)(
    '%s',
    async (_title, row) => expect(await run(row)).toEqual([]),
    LIMIT_MS,
  )

  it.each(ALONE)('%s', async (_title, row) => expect(await run(row)).toEqual([]), LIMIT_MS)

  // After the others: what a stopped server has printed is complete.
  it('still serves, called the handler for allowed requests only, and printed nothing else', async () => {
    await runCase(target, 'E0', HEALTHY, 'allow')
    await target.server.stop()
    const printed = target.server.printed().split('\n')
    const called = printed.flatMap((line) => /^HANDLER (.*)/.exec(line)?.[1] ?? [])
    expect(called).toHaveLength(target.handled.length)
    expect(new Set(called)).toEqual(new Set(target.handled))
    expect(printed.filter((line) => line !== '' && !isKnown(runtime, line))).toEqual([])
    const causes = printed.flatMap(
      (line) => / is unreachable \(([A-Z_]+)\): /.exec(line)?.[1] ?? [],
    )
    expect(causes).toEqual(expect.arrayContaining([...CAUSES[runtime]]))
  })
})

function expectedOf(
  runtime: RuntimeName,
  identity: Identity,
  { id }: Row,
  { name, expected }: Case,
): Expected {
  const deviation = DEVIATIONS.find(
    (other) => other.runtimes.includes(runtime) && other.row === id && other.cases.includes(name),
  )
  const wanted = deviation?.expected ?? expected
  return typeof wanted === 'object' && 'optional' in wanted ? wanted[identity] : wanted
}
