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

/** Serves a program that exports `fetch`. Deno gets these permissions, beside the endpoint and the loopback interface. */
type Serve = (program: string, ...permissions: readonly string[]) => Start

const LOOPBACK = ['--host=127.0.0.1', '--port=0']
const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', ...LOOPBACK]
export const DENO_SERVE = ['serve', '--no-prompt', ...LOOPBACK]
const DENO_MAY = ['--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT']

export function onCommand(binary: Binary, ...args: string[]): Start {
  return (app, env) => startServer({ binary, args, cwd: app, env: { PORT: '0', ...env } })
}

export function onBun(program: string): Start {
  return onCommand(BUN, '--port=0', program)
}

export function onDeno(program: string, ...permissions: readonly string[]): Start {
  return onCommand(DENO, ...DENO_SERVE, ...DENO_MAY, ...permissions, program)
}

/** By `serve()` of a library. */
export function onNode(
  node: Binary,
  library: '@hono/node-server' | 'srvx',
  program: string,
): Start {
  return onCommand(node, 'serve-on-node.js', library, program)
}

/** By the command of srvx. */
export function onSrvx(node: Binary, program: string): Start {
  return onCommand(node, ...SRVX, `--entry=${program}`)
}

export function onWorkerd(program: string, ...flags: string[]): Start {
  return (app, env) => startWorker(program, app, env, flags)
}

/** The oldest and the newest Node, Bun, Deno and workerd. */
export const SERVING: readonly (readonly [name: string, serve: Serve])[] = [
  ...SOME_NODES.map((node): [string, Serve] => [node.name, (program) => onSrvx(node, program)]),
  ['Bun', (program) => onBun(program)],
  ['Deno', onDeno],
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
export function onEdgeRuntime(binary: Binary, program: string): Start {
  return async (app, env) => {
    const cwd = mkdtempSync(join(app, 'edge-'))
    await bundle(join(app, program), join(cwd, 'edge.js'), EDGE_OPTIONS)
    const server = await startServer({ binary, args: [EDGE_SERVER], cwd, env })
    return { ...server, version: versionOfModule('edge-runtime') }
  }
}
