import { DENO } from './binaries.ts'
import { startServer } from './server-process.ts'
import { startWorker } from './workerd.ts'
import type { Binary } from './binaries.ts'
import type { RunningServer } from './server-process.ts'

/** Serves a program in the folder `app`. */
export type Start = (app: string, env: Readonly<Record<string, string>>) => Promise<RunningServer>

const LOOPBACK = ['--host=127.0.0.1', '--port=0']
export const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', ...LOOPBACK]
export const DENO_SERVE = ['serve', '--no-prompt', '--allow-net=127.0.0.1', ...LOOPBACK]

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
