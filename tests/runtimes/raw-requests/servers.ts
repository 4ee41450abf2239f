import { BUN, NODES, OLDER_NODES } from '../support/binaries.ts'
import { onBun, onCommand, onDeno, onNode, onWorkerd } from '../support/served-program.ts'
import type { Binary } from '../support/binaries.ts'
import type { Start } from '../support/served-program.ts'
import type { Program } from './row.ts'
import type { HandlerCall } from './rules.ts'

/** The software that builds a Request from the bytes, or one version of it. */
export type ServerName =
  | 'node-server'
  | 'srvx'
  | 'older-node'
  | 'strict-node'
  | 'node-20.19'
  | 'bun'
  | 'deno'
  | 'workerd'

export interface RawServer {
  /** The names in the differences of a variant. The first that has one counts. */
  readonly names: readonly ServerName[]
  readonly title: string
  /** The only program on this server; it runs the rows of `function`. Default: all programs of the rows. */
  readonly program?: Program
  /** Serves one of the programs in the folder `app`. */
  readonly start: Start
}

const PROGRAMS = 'raw-programs.js'

export const SERVERS: readonly RawServer[] = [
  ...NODES.flatMap((node): RawServer[] => [
    onNodeServer(node),
    {
      names: [...namesOf(node), 'srvx'],
      title: `srvx on ${node.name}`,
      start: onNode(node, 'srvx', PROGRAMS),
    },
  ]),
  // One server each: the other reads the same requests of Node's.
  ...OLDER_NODES.map((node) => onNodeServer(node)),
  { names: ['bun'], title: 'Bun', start: onBun(PROGRAMS) },
  { names: ['deno'], title: 'Deno', start: onDeno(PROGRAMS, '--allow-env=PROGRAM') },
  { names: ['workerd'], title: 'workerd', start: onWorkerd(PROGRAMS) },
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
    start: onCommand(BUN, 'raw-bun-routes.js'),
    routes: EVERY_ROUTE,
    status: 200,
  },
  {
    names: [],
    title: '`withAuth` on each route of Bun',
    program: 'single-routes',
    start: onCommand(BUN, 'raw-bun-routes.js'),
    routes: ['healthz'],
    status: 500,
  },
]

function onNodeServer(node: Binary): RawServer {
  return {
    names: [...namesOf(node), 'node-server'],
    title: `@hono/node-server on ${node.name}`,
    start: onNode(node, '@hono/node-server', PROGRAMS),
  }
}

// The versions that differ from each other.
function namesOf(node: Binary): readonly ServerName[] {
  const own = node.name === 'Node 20.19' ? 'node-20.19' : 'strict-node'
  const isOlder = node.name === 'Node 20' || OLDER_NODES.includes(node)
  return isOlder ? [own, 'older-node'] : [own]
}
