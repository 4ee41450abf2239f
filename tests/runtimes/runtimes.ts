import { BUN, DENO, NODES, findNode } from './support/binaries.ts'
import {
  onCommand,
  onDenoServe,
  onSrvx,
  onWorkerd,
  startEdgeRuntime,
} from './support/served-program.ts'
import type { ProfileName } from './profiles.ts'
import type { Start } from './support/served-program.ts'

/** One way to serve the package on a real runtime. */
export interface Runtime {
  /** The platform, then `served`. */
  readonly name: string
  readonly platform: string
  readonly served: string
  /** The package whose name `served` ends with. */
  readonly library?: string
  /** The software that builds a Request from the bytes. */
  readonly server: 'node-server' | 'srvx' | 'bun' | 'deno' | 'workerd' | 'edge-runtime'
  /** The profiles to run, if another entry of the platform runs all. Default: all. */
  readonly profiles?: readonly ProfileName[]
  /** Starts one of the programs in `servers/`, copied into the folder `app`. */
  readonly start: Start
}

type Way = Omit<Runtime, 'name' | 'platform' | 'server'>

const SOME = ['defaults', 'strict'] as const

function on(platform: string, server: Runtime['server'], ways: readonly Way[]): Runtime[] {
  return ways.map((way) => ({ name: `${platform}: ${way.served}`, platform, server, ...way }))
}

// Only the necessary permissions: endpoint and server use the loopback interface.
const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT']

const NODE_OF_EDGE = findNode('24')

const nodes = NODES.flatMap((binary) => [
  ...on(binary.name, 'node-server', [
    {
      served: '`serve({ fetch: withAuth(handler) })` of @hono/node-server',
      library: '@hono/node-server',
      start: onCommand(binary, 'node-server.js'),
    },
    {
      served: '`serve()` of @hono/node-server, `fetch: nodeTransport()` over undici',
      library: 'undici',
      start: onCommand(binary, 'node-transport.js'),
    },
  ]),
  ...on(binary.name, 'srvx', [
    {
      served: '`export default withAuth(handler)` with srvx',
      library: 'srvx',
      start: onSrvx(binary, 'export-function.js'),
    },
    {
      served: 'a Hono app that uses `auth()` with srvx',
      library: 'srvx',
      profiles: SOME,
      start: onSrvx(binary, 'export-hono-middleware.js'),
    },
  ]),
])

const bun = on('Bun', 'bun', [
  {
    served: '`Bun.serve({ fetch: withAuth(handler) })`',
    start: onCommand(BUN, 'bun-serve.js'),
  },
  {
    served: "`Bun.serve({ routes: withAuthRoutes({ '/*': handler }) })`",
    start: onCommand(BUN, 'bun-routes.js'),
  },
  {
    served: '`export default withAuth(handler)`',
    start: onCommand(BUN, '--port=0', 'export-function.js'),
  },
  {
    served: 'a Hono app that uses `auth()`',
    profiles: SOME,
    start: onCommand(BUN, '--port=0', 'export-hono-middleware.js'),
  },
])

const deno = on('Deno', 'deno', [
  {
    served: '`Deno.serve(withAuth(handler))`',
    start: onCommand(DENO, 'run', ...PERMISSIONS, 'deno-serve.js'),
  },
  {
    served: '`export default withAuth(handler)` with `deno serve`',
    start: onDenoServe('export-function.js'),
  },
  {
    served: 'a Hono app that uses `auth()` with `deno serve`',
    profiles: SOME,
    start: onDenoServe('export-hono-middleware.js'),
  },
])

const workerd = ['', 'nodejs_compat'].flatMap((flag) => {
  const flags = flag === '' ? [] : [flag]
  return on(['workerd', ...flags].join(' with '), 'workerd', [
    {
      served: '`export default withAuth({ fetch })`',
      // No config at all.
      profiles: ['defaults'],
      start: onWorkerd('export-object.js', ...flags),
    },
    {
      served: '`export default withAuth({ fetch }, (env) => config)`',
      start: onWorkerd('export-config-function.js', ...flags),
    },
    {
      served: '`export default withAuth(honoApp)`',
      profiles: SOME,
      start: onWorkerd('export-hono-app.js', ...flags),
    },
    {
      served: 'a Hono app that uses `auth()`',
      profiles: SOME,
      start: onWorkerd('export-hono-middleware.js', ...flags),
    },
  ])
})

const edge = on('edge-runtime', 'edge-runtime', [
  {
    served: `\`addEventListener('fetch', ...)\` with \`runServer()\` on ${NODE_OF_EDGE.name}`,
    start: (app, env) => startEdgeRuntime(NODE_OF_EDGE, 'fetch-event.js', app, env),
  },
])

export const RUNTIMES: readonly Runtime[] = [...nodes, ...bun, ...deno, ...workerd, ...edge]
