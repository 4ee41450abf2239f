import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, inject, it } from 'vitest'
import { REPLAYS } from '../recorded/replays.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { BUN, DENO, locate, SOME_NODES } from './support/binaries.ts'
import { bundle } from './support/bundle.ts'
import type { Case } from '../recorded/recording.ts'
import type { Binary } from './support/binaries.ts'

/** The decisions of real servers, replayed on every runtime that has sockets and files. */

const run = promisify(execFile)
const RUNTIMES: readonly (readonly [Binary, ...args: string[]])[] = [
  ...SOME_NODES.map((node) => [node] as const),
  [BUN],
  [DENO, 'run', '--no-prompt', '--allow-net=127.0.0.1', '--allow-read', '--allow-env'],
]
/** Route policies are the same code on each: one of twenty is enough, and the unit tests replay all. */
const EVERY = IS_NIGHTLY ? 1 : 20

interface Replayed {
  readonly name: string
  readonly undecided: readonly Case[]
}

const folder = (): string => join(inject('app'), 'recorded')

beforeAll(async () => {
  const recorded = join(import.meta.dirname, '../recorded')
  const options = ['--format=esm', '--platform=node', '--packages=external']
  await bundle(join(recorded, 'replays.ts'), join(folder(), 'replays.js'), options)
  cpSync(join(recorded, 'data'), join(folder(), 'data'), { recursive: true })
})

it.concurrent.each(RUNTIMES.map((one) => [one[0].name, one] as const))(
  'decides as the recorded servers did, but for what was decided on purpose, on %s',
  { timeout: 120_000 },
  async (_name, [binary, ...args]) => {
    const command = [...args, 'recorded.js', String(EVERY)]
    const { stdout } = await run(locate(binary), command, { cwd: inject('app') })
    const replayed = JSON.parse(stdout) as readonly Replayed[]
    expect(replayed).toEqual(REPLAYS.map(({ name }) => ({ name, undecided: [] })))
  },
)
