import { expect, it } from 'vitest'
import { createRecorder } from '../scripts/figures/reporter.ts'
import type { TestModule } from 'vitest/node'

const MEASURED = { soak: { minutes: 60 } }

/** A run of one file. Its last test measures. */
function play(
  states: readonly string[],
  errors: readonly object[] = [],
  figuresNeed?: readonly string[],
): object[] {
  const written: object[] = []
  const tests = states.map((state, index) => ({
    result: () => ({ state }),
    meta: () => (index === states.length - 1 ? { figures: MEASURED, figuresNeed } : {}),
  }))
  const module = {
    moduleId: '/a/b.ts',
    children: { allTests: () => tests },
  } as unknown as TestModule
  const { onTestRunEnd } = createRecorder((reports) => written.push(reports))
  void onTestRunEnd?.([module], errors as never, 'passed')
  return written
}

it('writes the figures of a run', () => {
  expect(play(['passed', 'passed'])).toEqual([MEASURED])
})

it('writes figures that need other test files only if these ran, too', () => {
  expect(play(['passed'], [], ['a/b.ts'])).toEqual([MEASURED])
  expect(play(['passed'], [], ['a/b.ts', 'a/c.ts'])).toEqual([])
  expect(play(['passed'], [], ['b/b.ts'])).toEqual([])
})

it.each([
  ['a test failed', ['failed', 'passed'], []],
  ['a test was skipped', ['skipped', 'passed'], []],
  ['an error was thrown outside a test', ['passed'], [new Error('thrown')]],
  ['nothing ran', [], []],
])('writes nothing if %s', (_why, states, errors) => {
  expect(play(states, errors)).toEqual([])
})
