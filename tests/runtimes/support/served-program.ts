import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { BUN, DENO, SOME_NODES, versionOfModule } from './binaries.ts'
import { bundle } from './bundle.ts'
import { startServer } from './server-process.ts'
import { startWorker } from './workerd.ts'
import type { Binary } from './binaries.ts'
import type { RunningServer } from './server-process.ts'

/** Serves a program in the folder `app`. */
export type Start = (app: string, env: Readonly<Record<string, string>>) => Promise<RunningServer>

/** Serves a program that exports `fetch`. Deno gets these permissions, beside the loopback interface. */
type Serve = (program: string, ...permissions: readonly string[]) => Start

const LOOPBACK = ['--host=127.0.0.1', '--port=0']
const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', ...LOOPBACK]
const DENO_SERVE = ['serve', '--no-prompt', '--allow-net=127.0.0.1', ...LOOPBACK]

export function onCommand(binary: Binary, ...args: string[]): Start {
  return (app, env) => startServer({ binary, args, cwd: app, env: { PORT: '0', ...env } })
}

export function onDenoServe(program: string): Start {
  return onCommand(DENO, ...DENO_SERVE, '--allow-env=AUTH_ENDPOINT', program)
}

export function onSrvx(node: Binary, program: string): Start {
  return onCommand(node, ...SRVX, `--entry=${program}`)
}

export function onWorkerd(program: string, ...flags: string[]): Start {
  return (app, env) => startWorker(program, app, env, flags)
}

/** The oldest and the newest Node, Bun, Deno and workerd. */
export const SERVING: readonly (readonly [name: string, serve: Serve])[] = [
  ...SOME_NODES.map((node): [string, Serve] => [node.name, (program) => onSrvx(node, program)]),
  ['Bun', (program) => onCommand(BUN, '--port=0', program)],
  ['Deno', (program, ...more) => onCommand(DENO, ...DENO_SERVE, ...more, program)],
  ['workerd', (program) => onWorkerd(program)],
]

/** A program on each of them. */
export function onEach(program: string, ...permissions: readonly string[]): [string, Start][] {
  return SERVING.map(([name, serve]) => [name, serve(program, ...permissions)])
}

// Vercel's own condition comes first, as in Next.js.
const EDGE_OPTIONS = ['--format=iife', '--conditions=edge-light,worker,browser']
const EDGE_SERVER = join(import.meta.dirname, '../servers/edge-runtime.js')

/** Serves a program that listens to `fetch` events with Vercel's edge-runtime, which itself runs on Node. */
export async function startEdgeRuntime(
  binary: Binary,
  program: string,
  app: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const cwd = mkdtempSync(join(app, 'edge-'))
  await bundle(join(app, program), join(cwd, 'edge.js'), EDGE_OPTIONS)
  const server = await startServer({ binary, args: [EDGE_SERVER], cwd, env })
  return { ...server, version: versionOfModule('edge-runtime') }
}
