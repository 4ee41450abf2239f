import { BUN, DENO, NODES } from '../support/binaries.ts'
import { startServer } from '../support/server-process.ts'
import { startWorker } from '../support/workerd.ts'
import type { Binary } from '../support/binaries.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { Program } from './row.ts'

/** What makes a Request of the bytes, or one version of it. */
export type ServerName = 'node-server' | 'srvx' | 'node-20' | 'bun' | 'deno' | 'workerd'

export interface RawServer {
  /** What its differences are listed under; the first that lists a variant counts. */
  readonly names: readonly ServerName[]
  readonly title: string
  /** Those that are there alone, each for the rows of `function`; all that the rows name if left out. */
  readonly programs?: readonly Program[]
  /** Serves one of the programs out of the folder `app`. */
  readonly start: (app: string, env: Readonly<Record<string, string>>) => Promise<RunningServer>
}

const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT,PROGRAM']

export const SERVERS: readonly RawServer[] = [
  ...NODES.flatMap((node): RawServer[] => [
    {
      names: [...namesOf(node), 'node-server'],
      title: `@hono/node-server on ${node.name}`,
      start: command(node, 'raw-node-server.js'),
    },
    {
      names: [...namesOf(node), 'srvx'],
      title: `srvx on ${node.name}`,
      start: command(node, 'raw-srvx.js'),
    },
  ]),
  { names: ['bun'], title: 'Bun', start: command(BUN, 'raw-bun.js') },
  { names: ['deno'], title: 'Deno', start: command(DENO, 'run', ...PERMISSIONS, 'raw-deno.js') },
  {
    names: ['workerd'],
    title: 'workerd',
    start: (app, env) => startWorker('raw-worker.js', app, env, []),
  },
]

function command(binary: Binary, ...args: readonly string[]): RawServer['start'] {
  return (app, env) => startServer({ binary, args, cwd: app, env })
}

// The only version that differs from the others.
function namesOf({ name }: Binary): readonly ServerName[] {
  return name === 'Node 20' ? ['node-20'] : []
}
