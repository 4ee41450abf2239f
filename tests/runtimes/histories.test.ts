import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { OUTCOMES } from '../nightly/histories/runs.ts'
import { bundle } from './support/bundle.ts'
import { onBun, onDeno, onWorkerd } from './support/served-program.ts'
import type { Runs } from '../nightly/histories/runs.ts'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

const COUNT = IS_NIGHTLY ? 20_000 : 1000
const SEED = Number(process.env['WITH_AUTH_HISTORIES_SEED'] ?? Date.now() % 1_000_000_000)
/** The histories of one request. A small number reveals a runtime that hangs. */
const PART = 250
const PROGRAM = 'histories.js'

const RUNTIMES: readonly (readonly [string, Start])[] = [
  ['Bun', onBun(PROGRAM)],
  ['Deno', onDeno(PROGRAM)],
  ['workerd', onWorkerd(PROGRAM)],
]

beforeAll(() => {
  const source = join(import.meta.dirname, 'histories/program.ts')
  return bundle(source, join(inject('app'), PROGRAM), ['--format=esm'])
})

describe.each(RUNTIMES)('%s', (_name, start) => {
  let server: RunningServer
  beforeAll(async () => void (server = await start(inject('app'), {})))
  afterAll(() => server.stop())

  it(
    `plays ${COUNT} histories without a wrong allow and without a wrong rejection`,
    { timeout: 600_000 },
    async ({ task }) => {
      const seen = new Set<string>()
      let played = 0
      while (played < COUNT) {
        const { fault, histories, outcomes } = await ask(Math.min(PART, COUNT - played), played)
        expect(fault).toBe('')
        for (const outcome of Object.keys(outcomes)) seen.add(outcome)
        played += histories
      }
      expect(played).toBe(COUNT)
      expect(seen).toEqual(new Set(OUTCOMES))
      task.meta.figures = { runtimeHistories: { count: COUNT } }
    },
  )

  async function ask(count: number, from: number): Promise<Runs> {
    const response = await fetch(`${server.url}/?count=${count}&seed=${SEED + from}`)
    expect(response.status).toBe(200)
    return (await response.json()) as Runs
  }
})
