import { BUN, DENO, NODES } from '../support/binaries.ts'
import { startServer } from '../support/server-process.ts'
import { startWorker } from '../support/workerd.ts'
import type { Binary } from '../support/binaries.ts'
import type { RunningServer } from '../support/server-process.ts'

/** What makes a Request of the bytes. */
export type ServerName = 'node-server' | 'srvx' | 'bun' | 'deno' | 'workerd'

export interface RawServer {
  readonly name: ServerName
  readonly title: string
  /** Serves one of the programs out of the folder `app`. */
  readonly start: (app: string, env: Readonly<Record<string, string>>) => Promise<RunningServer>
}

const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', '--host=127.0.0.1', '--port=0']
const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT,PROGRAM']
const NODE_24 = NODES.filter(({ name }) => name === 'Node 24')

export const SERVERS: readonly RawServer[] = [
  ...NODE_24.flatMap((node): RawServer[] => [
    {
      name: 'node-server',
      title: `@hono/node-server on ${node.name}`,
      start: command(node, 'raw-node-server.js'),
    },
    {
      name: 'srvx',
      title: `srvx on ${node.name}`,
      start: command(node, ...SRVX, '--entry=raw-srvx.js'),
    },
  ]),
  { name: 'bun', title: 'Bun', start: command(BUN, 'raw-bun.js') },
  { name: 'deno', title: 'Deno', start: command(DENO, 'run', ...PERMISSIONS, 'raw-deno.js') },
  {
    name: 'workerd',
    title: 'workerd',
    start: (app, env) => startWorker('raw-worker.js', app, env, []),
  },
]

function command(binary: Binary, ...args: readonly string[]): RawServer['start'] {
  return (app, env) => startServer({ binary, args, cwd: app, env })
}
