import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ESBUILD, locate } from './binaries.ts'

const run = promisify(execFile)

/** Puts a program and all that it imports into one file. A `node:` import ends the build: none may be needed. */
export async function bundle(
  program: string,
  outfile: string,
  options: readonly string[],
): Promise<void> {
  await run(locate(ESBUILD), [program, '--bundle', `--outfile=${outfile}`, ...options])
}
