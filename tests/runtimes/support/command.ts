import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { BUN, DENO, NODES } from './binaries.ts'
import { startServer } from './server-process.ts'
import type { Binary } from './binaries.ts'
import type { RunningServer } from './server-process.ts'

/** The runtimes of the command. */
export const RUNTIMES: readonly Binary[] = [...NODES, BUN, DENO]

/** The file of the command, as npm would install it. */
export function commandFile(): string {
  return join(inject('app'), 'node_modules/with-auth/dist/cli.js')
}

/** The arguments before the command. Deno gets only the permissions that the README names. */
export function argsBefore(binary: Binary, needs: 'net' | 'write' = 'net'): readonly string[] {
  if (binary === BUN) return ['--bun']
  const permissions = ['--no-prompt', '--allow-read', `--allow-${needs}`, '--allow-env']
  return binary === DENO ? ['run', ...permissions] : []
}

/** The only key in a file of `writeKey`. It is that of alice. */
export const KEY = 'a-key-of-alice'

export function writeKey(file: string): string {
  const hash = createHash('sha256').update(KEY).digest('hex')
  const entry = `{ id: known, principal: alice, attributes: {}, sha256: ${hash} }`
  writeFileSync(file, `keys:\n  - ${entry}\n`)
  return file
}

/** Starts the gateway with the file of `writeKey`. */
export function startGateway(
  binary: Binary,
  upstream: string,
  keys: string,
): Promise<RunningServer> {
  const line = ['gateway', '--upstream', upstream, '--keys', keys, '--port=0']
  const args = [...argsBefore(binary), commandFile(), ...line]
  return startServer({ binary, args, cwd: dirname(keys), env: {} })
}
