import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BUN, DENO, findNode, locate } from '../../tests/runtimes/support/binaries.ts'
import { startServer } from '../../tests/runtimes/support/server-process.ts'
import { startWorker } from '../../tests/runtimes/support/workerd.ts'
import type { Binary } from '../../tests/runtimes/support/binaries.ts'
import type { RunningServer } from '../../tests/runtimes/support/server-process.ts'

export type RuntimeId = 'node24' | 'node26' | 'bun' | 'deno' | 'workerd'

type Env = Readonly<Record<string, string>>

/** A JavaScript runtime that serves the gates of `app/gates.js`. */
export interface Runtime {
  readonly name: string
  readonly start: (app: string, env: Env) => Promise<RunningServer>
}

function command(binary: Binary, ...args: string[]): Runtime['start'] {
  return (app, env) => startServer({ binary, args, cwd: app, env })
}

const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env']

export const RUNTIMES: Readonly<Record<RuntimeId, Runtime>> = {
  node24: { name: 'Node', start: command(findNode('24'), 'serve-node.js') },
  node26: { name: 'Node', start: command(findNode('26'), 'serve-node.js') },
  bun: { name: 'Bun', start: command(BUN, 'serve-bun.js') },
  deno: { name: 'Deno', start: command(DENO, 'run', ...PERMISSIONS, 'serve-deno.js') },
  workerd: { name: 'workerd', start: (app, env) => startWorker('worker.js', app, env, []) },
}

/** Starts the endpoint on the fastest runtime, so that contestants do not wait for it. */
export function startEndpoint(app: string): Promise<RunningServer> {
  return startServer({ binary: BUN, args: ['endpoint.js'], cwd: app, env: {} })
}

/** Runs a program of the folder on Node 24. Returns what it prints. */
export async function runNode(app: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(locate(findNode('24')), args, { cwd: app })
  return stdout.trim()
}
