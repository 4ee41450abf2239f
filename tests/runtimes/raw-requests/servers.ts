import { BUN, DENO, NODES } from '../support/binaries.ts'
import { startServer } from '../support/server-process.ts'
import { startWorker } from '../support/workerd.ts'
import type { Binary } from '../support/binaries.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { HandlerCall } from './admission.ts'
import type { Program } from './row.ts'

/** The software that builds a Request from the bytes, or one version of it. */
export type ServerName = 'node-server' | 'srvx' | 'node-20' | 'bun' | 'deno' | 'workerd'

export interface RawServer {
  /** The names in the tables of differences. The first that lists a variant counts. */
  readonly names: readonly ServerName[]
  readonly title: string
  /** The only program on this server; it runs the rows of `function`. Default: all programs of the rows. */
  readonly program?: Program
  /** Serves one of the programs in the folder `app`. */
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

/** A server whose own router chooses the handler, so it answers many requests itself. */
export interface RoutedServer extends RawServer {
  /** The routes that run for a good token, or for any request. */
  readonly routes: readonly HandlerCall['route'][]
  /** The status for an ordinary request with a good token. */
  readonly status: number
}

export const EVERY_ROUTE: RoutedServer['routes'] = ['admin', 'healthz', 'other', 'public', 'root']

export const BUN_ROUTES: readonly RoutedServer[] = [
  {
    names: [],
    title: '`withAuthRoutes` on Bun',
    program: 'routes',
    start: command(BUN, 'raw-bun-routes.js'),
    routes: EVERY_ROUTE,
    status: 200,
  },
  {
    names: [],
    title: '`withAuth` on each route of Bun',
    program: 'single-routes',
    start: command(BUN, 'raw-bun-routes.js'),
    routes: ['healthz'],
    status: 500,
  },
]

function command(binary: Binary, ...args: readonly string[]): RawServer['start'] {
  return (app, env) => startServer({ binary, args, cwd: app, env })
}

// The only version that differs from the others.
function namesOf({ name }: Binary): readonly ServerName[] {
  return name === 'Node 20' ? ['node-20'] : []
}
