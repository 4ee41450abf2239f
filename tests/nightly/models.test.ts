import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyMissing } from '../support/installed.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'

/** Spin visits every state of the models, and finds each mistake that one of them can be compiled with. No source file changes that. */

const MISTAKES = {
  'fence.pml': [
    'NO_FENCE',
    'LATE_FENCE',
    'COUNTED_FENCE',
    'NO_ERA',
    'RUN_ID_ALONE',
    'LATE_ERA',
    'PUSHED_FIRST',
    'INVALIDATED_FIRST',
    'UNSTAMPED_FILL',
    'NO_FLOOR',
  ],
  'lease.pml': [
    'NO_LEASE',
    'LEASE_FROM_RECEIPT',
    'NO_FLUSH',
    'PLAIN_HEARTBEAT',
    'FRESH_FROM_ANSWER',
    'JOINED_AT_ANY_TIME',
  ],
}
const MODELS = Object.entries(MISTAKES)
const TIMES = { timeout: 900_000 }

const MISSING = IS_NIGHTLY
  ? (whyMissing(['spin', '-V'], 'spin') ?? whyMissing(['gcc', '--version'], 'gcc libc6-dev'))
  : 'not by day'

describe.skipIf(MISSING !== undefined)(`spin ${MISSING ?? ''}`, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'with-auth-models-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(MODELS)('finds no wrong allow in any state of %s', TIMES, (model) => {
    const report = check(folder, model, ['-DFAULTS=2'])
    expect(report).toMatch(/^Full statespace search/m)
    expect(report).toContain('errors: 0')
    expect(report).not.toContain('max search depth too small')
  })

  it.each(MODELS.flatMap(([model, mistakes]) => mistakes.map((one) => [one, model] as const)))(
    'finds the mistake %s of %s',
    TIMES,
    (mistake, model) => {
      expect(check(folder, model, [`-D${mistake}`])).toMatch(/^pan:1: assertion violated/m)
    },
  )
})

/** Compiles a model and visits its states. Returns the report. */
function check(folder: string, model: string, definitions: readonly string[]): string {
  run(folder, 'spin', ['-a', ...definitions, join(import.meta.dirname, 'models', model)])
  run(folder, 'gcc', ['-O1', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'])
  return run(folder, './pan', ['-m100000', '-w22'])
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} failed: ${stdout}${stderr}`)
  return stdout
}
