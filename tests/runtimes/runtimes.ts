import { BUN, DENO, NODES, findNode } from './support/binaries.ts'
import {
  onBun,
  onCommand,
  onDeno,
  onEdgeRuntime,
  onNode,
  onSrvx,
  onWorkerd,
} from './support/served-program.ts'
import type { ProfileName } from './scenarios/profiles.ts'
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

function way(
  served: string,
  start: Start,
  more: Partial<Pick<Way, 'library' | 'profiles'>> = {},
): Way {
  return { served, start, ...more }
}

function on(platform: string, server: Runtime['server'], ways: readonly Way[]): Runtime[] {
  return ways.map((one) => ({ name: `${platform}: ${one.served}`, platform, server, ...one }))
}

const SOME = { profiles: ['defaults', 'strict'] } as const
const HONO = 'a Hono app that uses `auth()`'
const NODE_SERVER = '@hono/node-server'

// Only the necessary permissions: endpoint and server use the loopback interface.
const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT']

const nodes = NODES.flatMap((node) => [
  ...on(node.name, 'node-server', [
    way(
      '`serve({ fetch: withAuth(handler) })` of @hono/node-server',
      onNode(node, NODE_SERVER, 'export-function.js'),
      { library: NODE_SERVER },
    ),
    way(
      '`serve()` of @hono/node-server, `fetch: nodeTransport()` over undici',
      onNode(node, NODE_SERVER, 'node-transport.js'),
      { library: 'undici' },
    ),
  ]),
  ...on(node.name, 'srvx', [
    way('`export default withAuth(handler)` with srvx', onSrvx(node, 'export-function.js'), {
      library: 'srvx',
    }),
    way(`${HONO} with srvx`, onSrvx(node, 'export-hono-middleware.js'), {
      library: 'srvx',
      ...SOME,
    }),
  ]),
])

const bun = on('Bun', 'bun', [
  way('`Bun.serve({ fetch: withAuth(handler) })`', onCommand(BUN, 'serve-function.js')),
  way(
    "`Bun.serve({ routes: withAuthRoutes({ '/*': handler }) })`",
    onCommand(BUN, 'bun-routes.js'),
  ),
  way('`export default withAuth(handler)`', onBun('export-function.js')),
  way(HONO, onBun('export-hono-middleware.js'), SOME),
])

const deno = on('Deno', 'deno', [
  way(
    '`Deno.serve(withAuth(handler))`',
    onCommand(DENO, 'run', ...PERMISSIONS, 'serve-function.js'),
  ),
  way('`export default withAuth(handler)` with `deno serve`', onDeno('export-function.js')),
  way(`${HONO} with \`deno serve\``, onDeno('export-hono-middleware.js'), SOME),
])

const workerd = [[], ['nodejs_compat']].flatMap((flags) =>
  on(['workerd', ...flags].join(' with '), 'workerd', [
    // No config at all.
    way('`export default withAuth({ fetch })`', onWorkerd('export-object.js', ...flags), {
      profiles: ['defaults'],
    }),
    way(
      '`export default withAuth({ fetch }, (env) => config)`',
      onWorkerd('export-config-function.js', ...flags),
    ),
    way('`export default withAuth(honoApp)`', onWorkerd('export-hono-app.js', ...flags), SOME),
    way(HONO, onWorkerd('export-hono-middleware.js', ...flags), SOME),
  ]),
)

const NODE_OF_EDGE = findNode('24')
const edge = on('edge-runtime', 'edge-runtime', [
  way(
    `\`addEventListener('fetch', ...)\` with \`runServer()\` on ${NODE_OF_EDGE.name}`,
    onEdgeRuntime(NODE_OF_EDGE, 'fetch-event.js'),
  ),
])

export const RUNTIMES: readonly Runtime[] = [...nodes, ...bun, ...deno, ...workerd, ...edge]
