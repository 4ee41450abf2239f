import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { expectedOn } from './endpoint-faults/row.ts'
import { FAULTS } from './endpoint-faults/rows.ts'
import { runCase } from './endpoint-faults/site.ts'
import {
  CAUSES,
  HEALTHY,
  isKnown,
  STARTS,
  startTarget,
  writeAuthority,
} from './endpoint-faults/targets.ts'
import type { Identity, Row, RuntimeName } from './endpoint-faults/row.ts'
import type { Target } from './endpoint-faults/site.ts'

/** A broken, slow or hostile endpoint: each row on each runtime, with and without an identity that is required. */

const IDENTITIES = ['optional', 'required'] as const
const RUNTIMES = Object.keys(STARTS) as RuntimeName[]
const ROWS = FAULTS.filter(({ nightly }) => IS_NIGHTLY || nightly !== true)
const TITLED = IDENTITIES.flatMap((identity) =>
  ROWS.map((row) => ({ identity, title: row.title, row })),
)
const TOGETHER = TITLED.filter(({ row }) => row.alone !== true)
const ALONE = TITLED.filter(({ row }) => row.alone === true)
const LIMIT_MS = 120_000

const starting = new Map<RuntimeName, Promise<Target>>()

function startOnce(runtime: RuntimeName): Promise<Target> {
  const target = starting.get(runtime) ?? startTarget(runtime, inject('app'))
  starting.set(runtime, target)
  return target
}

// All at once. The tests of each wait for their own, so that one that fails leaves the others.
beforeAll(() => {
  writeAuthority(inject('app'))
  RUNTIMES.forEach((runtime) => void startOnce(runtime).catch(() => undefined))
})

describe.each(RUNTIMES)('%s', (runtime) => {
  let target: Target

  beforeAll(async () => {
    target = await startOnce(runtime)
  })
  afterAll(() => target.server.stop())

  /** Runs all cases of a row, and returns what went wrong, by lines. */
  async function run(identity: Identity, row: Row): Promise<string> {
    const withIdentity = { ...target, identity }
    const running: Promise<void>[] = []
    for (const given of row.cases) {
      const expected = expectedOn(runtime, identity, given)
      running.push(runCase(withIdentity, `${row.title}: ${given.name}`, given, expected))
      if (row.alone === true) await Promise.allSettled(running)
    }
    const results = await Promise.allSettled(running)
    return results
      .flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
      .join('\n')
  }

  it.concurrent.each(TOGETHER)(
    'identity $identity: $title',
    async ({ identity, row }) => expect(await run(identity, row)).toBe(''),
    LIMIT_MS,
  )

  it.each(ALONE)(
    'identity $identity: $title',
    async ({ identity, row }) => expect(await run(identity, row)).toBe(''),
    LIMIT_MS,
  )

  // After the others: what a stopped server has printed is complete.
  it('still serves, called the handler for allowed requests only, and printed nothing else', async () => {
    await runCase(target, HEALTHY.name, HEALTHY, 'allow')
    await target.server.stop()
    const printed = target.server.printed().split('\n')
    const called = printed.flatMap((line) => /^HANDLER (.*)/.exec(line)?.[1] ?? [])
    expect(called).toHaveLength(target.handled.length)
    expect(new Set(called)).toEqual(new Set(target.handled))
    expect(printed.filter((line) => line !== '' && !isKnown(runtime, line))).toEqual([])
    const causes = new Set(
      printed.flatMap((line) => / is unreachable \(([A-Z_]+)\): /.exec(line)?.[1] ?? []),
    )
    expect(CAUSES[runtime].filter((cause) => !causes.has(cause))).toEqual([])
  })
})
