import { DENO } from './binaries.ts'
import { startServer } from './server-process.ts'
import { startWorker } from './workerd.ts'
import type { Binary } from './binaries.ts'
import type { RunningServer } from './server-process.ts'

/** Serves a program in the folder `app`, which is told its auth endpoint. */
export type StartProgram = (app: string, endpoint: string) => Promise<RunningServer>

const LOOPBACK = ['--host=127.0.0.1', '--port=0']
export const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', ...LOOPBACK]
export const DENO_SERVE = ['serve', '--no-prompt', '--allow-net=127.0.0.1', ...LOOPBACK]

export function onCommand(binary: Binary, ...args: string[]): StartProgram {
  return (app, endpoint) =>
    startServer({ binary, args, cwd: app, env: { AUTH_ENDPOINT: endpoint, PORT: '0' } })
}

export function onDenoServe(program: string): StartProgram {
  return onCommand(DENO, ...DENO_SERVE, '--allow-env=AUTH_ENDPOINT', program)
}

export function onSrvx(node: Binary, program: string): StartProgram {
  return onCommand(node, ...SRVX, `--entry=${program}`)
}

export function onWorkerd(program: string, ...flags: string[]): StartProgram {
  return (app, endpoint) => startWorker(program, app, { AUTH_ENDPOINT: endpoint }, flags)
}
