import { afterAll, describe, expect, inject, it } from 'vitest'
import { RUNTIMES } from './runtimes.ts'
import { SCENARIOS } from './scenarios.ts'
import { createBench } from './support/bench.ts'
import { observe, predict } from './support/outcome.ts'
import type { Runtime } from './runtimes.ts'
import type { Expected, Scenario } from './scenarios.ts'

const versions = new Map<string, string>()

afterAll(() => {
  const lines = [...versions].map(([name, version]) => `${version.padEnd(12)}${name}`)
  console.log(['Runtimes that were run:', ...lines].join('\n'))
})

describe.each(RUNTIMES.map((runtime) => [runtime.name, runtime] as const))(
  '%s',
  (name, runtime) => {
    const bench = createBench(runtime, inject('app'))
    const scenarios = SCENARIOS.filter((scenario) => fits(runtime, scenario))
    const sent: Scenario[] = []
    afterAll(() => bench.stop())

    it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
      '%s',
      async (_name, scenario) => {
        const setup = await bench.setup(scenario.endpoint ?? 'running')
        versions.set(name, setup.server.version)
        sent.push(scenario)
        const outcome = await observe(scenario, setup)
        expect(outcome).toEqual(predict(scenario, expectedOf(scenario, runtime), setup))
      },
    )

    // After the others: what a stopped server has printed is complete.
    it('called the handler once for what was let through and never for anything else', async () => {
      const printed = await bench.stop()
      const letThrough = sent.filter((scenario) => expectedOf(scenario, runtime).handled)
      const called = printed.match(/(?<=^HANDLER ).*/gm) ?? []
      expect(called).toEqual(letThrough.map((scenario) => scenario.name))
      expect(sent).not.toEqual([])
    })
  },
)

function fits(runtime: Runtime, scenario: Scenario): boolean {
  return !(runtime.bare === true && scenario.needsOptions === true)
}

function expectedOf({ expected, deviations }: Scenario, { server }: Runtime): Expected {
  return deviations?.[server] ?? expected
}
