import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BUN, DENO, findNode, locate } from '../../runtimes/support/binaries.ts'
import { onCommand } from '../../runtimes/support/served-program.ts'
import { startServer } from '../../runtimes/support/server-process.ts'
import type { Start } from '../../runtimes/support/served-program.ts'
import type { RunningServer } from '../../runtimes/support/server-process.ts'

const BUILD_MS = 150_000
// The oldest Node that runs TypeScript and that all frameworks support.
const NODE = findNode('24')
const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT']
// Instead of the usual port on every interface.
const ANYWHERE = { PORT: '0', HOST: '127.0.0.1', HOSTNAME: '127.0.0.1' }
// No framework may send data about this machine.
const QUIET = { NEXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1' }

/** A program that Node runs without a build. */
export function node(...args: string[]): Start {
  return (app, env) => startNode(app, app, args, env)
}

/** A module that exports a Fetch handler, served by srvx. */
export function srvx(file: string): Start {
  return (app, env) =>
    startNode(app, app, [bin('srvx/bin/srvx.mjs'), 'serve', '--prod', `--entry=${file}`], env)
}

export function bun(file: string): Start {
  return (app, env) =>
    startServer({ binary: BUN, args: [file], cwd: app, env: { ...ANYWHERE, ...env } })
}

export function denoServe(file: string): Start {
  // Not with the config of this repository.
  const config = ['--no-config', '--node-modules-dir=manual']
  const address = ['--host=127.0.0.1', '--port=0']
  return onCommand(DENO, 'serve', ...config, ...PERMISSIONS, ...address, file)
}

/** An app that its framework first builds for production. */
export function built(folder: string, build: readonly string[], serve: readonly string[]): Start {
  return async (app, env) => {
    const cwd = join(app, folder)
    // Next.js does not look for packages in the home folder.
    const surroundings = { HOME: tmpdir(), NO_COLOR: '1', NODE_ENV: 'production' }
    const options = { cwd, timeout: BUILD_MS, env: { ...surroundings, ...QUIET } }
    await promisify(execFile)(locate(NODE), [...build], options)
    return startNode(app, cwd, serve, env)
  }
}

/** The file of a command, in the frameworks' `node_modules`. */
export function bin(path: string): string {
  return join(import.meta.dirname, '../../../examples/node_modules', path)
}

function startNode(
  app: string,
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const preload = `--import=${join(app, 'print-port.js')}`
  return startServer({
    binary: NODE,
    args: [preload, ...args],
    cwd,
    env: { ...ANYWHERE, ...QUIET, ...env },
  })
}
