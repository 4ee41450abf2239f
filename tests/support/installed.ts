import { spawnSync } from 'node:child_process'
import { SKIPPED } from './skip-reporter.ts'

/**
 * Why tests that need a program are skipped: `undefined` if it runs, or a sentence that names the Debian packages to install.
 * Throws that sentence in CI, where no test may be skipped.
 */
export function whyMissing(
  [command = '', ...args]: readonly string[],
  packages: string,
): string | undefined {
  if (spawnSync(command, args).status === 0) return undefined
  return whySkipped(`${command} does not run here: apt-get install ${packages}`)
}

/** Why tests are skipped that CI has to run: throws there, and tells it elsewhere. */
export function whySkipped(reason: string): string {
  if (process.env['CI'] === 'true') throw new Error(reason)
  return tellSkipped(reason)
}

/** Tells the person who runs the tests why some are skipped, where CI runs them in another way. */
export function tellSkipped(reason: string): string {
  // oxlint-disable-next-line no-console -- the reporter of the run takes it
  console.log(`${SKIPPED}${reason}`)
  return reason
}
