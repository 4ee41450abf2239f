import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, inject, it } from 'vitest'
import { REPLAYS } from '../recorded/replays.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { BUN, DENO } from './support/binaries.ts'
import { bundle } from './support/bundle.ts'
import { runProgram } from './support/run-program.ts'

/** The decisions of real servers, replayed on the runtimes with sockets and files. `tests/recorded` does it on Node. */

/** Route policies are the same code on each: one of twenty is enough. */
const EVERY = IS_NIGHTLY ? 1 : 20
const PERMISSIONS = ['--allow-net=127.0.0.1', '--allow-read', '--allow-env']

beforeAll(async () => {
  const folder = join(inject('app'), 'recorded')
  const recorded = join(import.meta.dirname, '../recorded')
  const options = ['--format=esm', '--platform=node', '--packages=external']
  await bundle(join(recorded, 'replays.ts'), join(folder, 'replays.js'), options)
  cpSync(join(recorded, 'data'), join(folder, 'data'), { recursive: true })
})

it.concurrent.each([BUN, DENO])(
  'decides as the recorded servers did, but for what was decided on purpose, on $name',
  { timeout: 120_000 },
  async (binary) => {
    const line = ['recorded.js', String(EVERY)]
    expect(await runProgram(binary, line, { permissions: PERMISSIONS })).toEqual(
      REPLAYS.map(({ name }) => ({ name, undecided: [] })),
    )
  },
)
