import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { BUN, DENO, locate, SOME_NODES } from './binaries.ts'
import type { Binary } from './binaries.ts'

/** The runtimes with sockets and files. */
export const RUNTIMES: readonly Binary[] = [...SOME_NODES, BUN, DENO]

interface Options {
  /** Of Deno. The others may do everything. */
  readonly permissions?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program of the folder `app` to its end, with its arguments. Returns the JSON that it printed. */
export async function runProgram(
  binary: Binary,
  line: readonly string[],
  { permissions = [], cwd = inject('app'), env = {} }: Options = {},
): Promise<unknown> {
  const args = binary === DENO ? ['run', '--no-prompt', ...permissions, ...line] : line
  // A program that something keeps alive is ended, which is a failure.
  const options = { cwd, env: { HOME: cwd, NO_COLOR: '1', ...env }, timeout: 110_000 }
  const { stdout } = await promisify(execFile)(locate(binary), args, options).catch(
    (error: unknown) => {
      // Its output says what went wrong.
      throw new Error(String(Reflect.get(Object(error), 'stdout')), { cause: error })
    },
  )
  return JSON.parse(stdout)
}
