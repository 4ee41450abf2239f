import { BUN, DENO, NODES } from './support/binaries.ts'
import { startServer } from './support/server-process.ts'
import { startWorker } from './support/workerd.ts'
import type { Binary } from './support/binaries.ts'
import type { RunningServer } from './support/server-process.ts'

/** One way to serve the package on a real runtime. */
export interface Runtime {
  readonly name: string
  /** What makes a Request of the bytes. */
  readonly server: 'node-server' | 'srvx' | 'bun' | 'deno' | 'workerd'
  /** The guard has no config at all, so that nothing is public and `timeoutMs` has its default. */
  readonly bare?: true
  /** Starts one of the programs in `servers/`, copied into the folder `app`. */
  readonly start: (app: string, env: Readonly<Record<string, string>>) => Promise<RunningServer>
}

function command(binary: Binary, ...args: string[]): Runtime['start'] {
  return (app, env) => startServer({ binary, args, cwd: app, env })
}

function worker(program: string, ...flags: string[]): Runtime['start'] {
  return (app, env) => startWorker(program, app, env, flags)
}

const SRVX = ['node_modules/srvx/bin/srvx.mjs', 'serve', '--prod', '--host=127.0.0.1', '--port=0']
// Nothing more than is needed: the endpoint and the socket are on the loopback interface.
const PERMISSIONS = ['--no-prompt', '--allow-net=127.0.0.1', '--allow-env=AUTH_ENDPOINT']
const DENO_SERVE = ['serve', ...PERMISSIONS, '--host=127.0.0.1', '--port=0']

const node = NODES.flatMap((binary): Runtime[] => [
  {
    name: `${binary.name}: serve({ fetch: withAuth(handler) }) of @hono/node-server`,
    server: 'node-server',
    start: command(binary, 'node-server.js'),
  },
  {
    name: `${binary.name}: export default withAuth(handler) with srvx`,
    server: 'srvx',
    start: command(binary, ...SRVX, '--entry=export-function.js'),
  },
  {
    name: `${binary.name}: a Hono app that uses auth() with srvx`,
    server: 'srvx',
    start: command(binary, ...SRVX, '--entry=export-hono-middleware.js'),
  },
])

const bun: readonly Runtime[] = [
  {
    name: 'Bun: Bun.serve({ fetch: withAuth(handler) })',
    server: 'bun',
    start: command(BUN, 'bun-serve.js'),
  },
  {
    name: 'Bun: export default withAuth(handler)',
    server: 'bun',
    start: command(BUN, '--port=0', 'export-function.js'),
  },
  {
    name: 'Bun: a Hono app that uses auth()',
    server: 'bun',
    start: command(BUN, '--port=0', 'export-hono-middleware.js'),
  },
]

const deno: readonly Runtime[] = [
  {
    name: 'Deno: Deno.serve(withAuth(handler))',
    server: 'deno',
    start: command(DENO, 'run', ...PERMISSIONS, 'deno-serve.js'),
  },
  {
    name: 'Deno: export default withAuth(handler) with deno serve',
    server: 'deno',
    start: command(DENO, ...DENO_SERVE, 'export-function.js'),
  },
  {
    name: 'Deno: a Hono app that uses auth() with deno serve',
    server: 'deno',
    start: command(DENO, ...DENO_SERVE, 'export-hono-middleware.js'),
  },
]

const workerd = ['', 'nodejs_compat'].flatMap((flag): Runtime[] => {
  const flags = flag === '' ? [] : [flag]
  const platform = ['workerd', ...flags].join(' with ')
  return [
    {
      name: `${platform}: export default withAuth({ fetch })`,
      server: 'workerd',
      bare: true,
      start: worker('export-object.js', ...flags),
    },
    {
      name: `${platform}: export default withAuth({ fetch }, (env) => config)`,
      server: 'workerd',
      start: worker('export-config-function.js', ...flags),
    },
    {
      name: `${platform}: export default withAuth(honoApp)`,
      server: 'workerd',
      start: worker('export-hono-app.js', ...flags),
    },
    {
      name: `${platform}: a Hono app that uses auth()`,
      server: 'workerd',
      start: worker('export-hono-middleware.js', ...flags),
    },
  ]
})

export const RUNTIMES: readonly Runtime[] = [...node, ...bun, ...deno, ...workerd]
