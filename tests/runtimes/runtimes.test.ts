import { afterAll, describe, expect, inject, it, vi } from 'vitest'
import { sorted } from '../support/project.ts'
import { RUNTIMES } from './runtimes.ts'
import { createBench } from './scenarios/bench.ts'
import { playScenario, scenarioOf } from './scenarios/outcome.ts'
import { stepsOf } from './scenarios/scenario.ts'
import { SCENARIOS } from './scenarios/scenarios.ts'
import { readTable, renderTable, writeTable } from '../../scripts/docs/runtimes-table.ts'
import type { Runtime } from './runtimes.ts'
import type { Bench, Setup } from './scenarios/bench.ts'
import type { Scenario } from './scenarios/scenario.ts'
import type { Row } from '../../scripts/docs/runtimes-table.ts'

// Most of them wait for a server or an endpoint.
vi.setConfig({ maxConcurrency: 20 })

const rows: Row[] = []

describe.each(RUNTIMES.map((runtime) => [runtime.name, runtime] as const))(
  '%s',
  (_name, runtime) => {
    const bench = createBench(runtime, inject('app'))
    const scenarios = scenariosFor(runtime)
    const row: Row = { runtime, version: '', passed: 0 }
    rows.push(row)
    const played: Scenario[] = []
    afterAll(() => bench.stop())

    it.concurrent.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
      '%s',
      async (_title, scenario) => {
        const setup = await prepare(bench, scenario)
        row.version = setup.server.version
        played.push(scenario)
        await expect(playScenario(scenario, setup)).resolves.toBeUndefined()
        row.passed += 1
      },
    )

    // After the others: what a stopped server has printed is complete.
    it('called the handler once for each allowed request and for no other', async () => {
      const { printed, received } = await bench.stop()
      const called = printed.match(/(?<=^HANDLER ).*/gm) ?? []
      expect(sorted(called)).toEqual(sorted(played.flatMap(namesOfCalls)))
      expect(played).not.toEqual([])
      const names = new Set(played.map(({ name }) => name))
      expect(received.filter((request) => !names.has(scenarioOf(request)))).toEqual([])
    })
  },
)

// The title says what to do.
it('docs/runtimes/README.md has the results, as "npm run docs:runtimes" writes them', ({
  skip,
}) => {
  const wanted = inject('runtimesTable')
  skip(wanted === 'leave', 'only a part of the scenarios was played')
  const failed = rows.filter(({ runtime, passed }) => passed < scenariosFor(runtime).length)
  expect(failed.map(({ runtime }) => runtime.name)).toEqual([])
  if (wanted === 'write') writeTable(renderTable(rows))
  expect(readTable()).toBe(renderTable(rows))
})

function scenariosFor({ server, profiles }: Runtime): Scenario[] {
  return SCENARIOS.filter(
    ({ profile = 'defaults' }) => profiles === undefined || profiles.includes(profile),
  ).map((scenario) => {
    const { deviation } = scenario
    return deviation?.servers.includes(server) === true
      ? { ...scenario, expected: deviation.expected }
      : scenario
  })
}

async function prepare(
  bench: Bench,
  { name, profile = 'defaults', endpoint = [] }: Scenario,
): Promise<Setup> {
  if (typeof endpoint === 'string') return bench.setup(endpoint, profile)
  const setup = await bench.setup('running', profile)
  setup.plan(name, endpoint)
  return setup
}

function namesOfCalls(scenario: Scenario): string[] {
  const times = stepsOf(scenario)
    .filter(({ expected }) => expected.handled)
    .map((step) => step.times ?? 1)
  const total = times.reduce((sum, count) => sum + count, 0)
  return Array<string>(total).fill(scenario.name)
}
