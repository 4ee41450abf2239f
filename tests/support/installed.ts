import { spawnSync } from 'node:child_process'

/**
 * Why tests that need a program are skipped: `undefined` if it runs, or a sentence that names the Debian packages to install.
 * Throws that sentence in CI, where no test may be skipped.
 */
export function whyMissing(
  [command = '', ...args]: readonly string[],
  packages: string,
): string | undefined {
  if (spawnSync(command, args).status === 0) return undefined
  const reason = `${command} does not run here: apt-get install ${packages}`
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}
