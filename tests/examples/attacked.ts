import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../support/project.ts'
import { bin, built, bun, node } from './support/start.ts'
import { EVERY_ROUTE } from '../runtimes/raw-requests/servers.ts'
import type { RoutedServer } from '../runtimes/raw-requests/servers.ts'
import type { Start } from '../runtimes/support/served-program.ts'

const HANDLER = join(ROOT, 'tests/runtimes/servers/raw-handler.js')
const LISTEN = /\n  \.listen\([^]*$/
const ON_NODE = `
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, gracefulShutdown: false })
`

/** The pages of Astro that raw requests attack, and the route that each prints. */
const PAGES = {
  'admin.ts': 'admin',
  'admin/[...rest].ts': 'admin',
  'public/[...rest].ts': 'public',
  'healthz.ts': 'healthz',
  'index.ts': 'root',
  '[...rest].ts': 'other',
}

/** Examples whose framework reads a path in its own way. {@link prepareAttacked} makes them. */
export const ATTACKED: readonly RoutedServer[] = [
  attacked('Elysia on Bun', bun('elysia-on-bun.ts')),
  attacked('Elysia with srvx on Node', node('elysia-on-node.ts')),
  attacked(
    'Astro on Node',
    built('astro-attacked', [bin('astro/bin/astro.mjs'), 'build'], ['dist/server/entry.mjs']),
  ),
]

/** Adds the routes that raw requests attack to copies of the examples in the folder `app`, and sets their options. */
export function prepareAttacked(app: string): void {
  cpSync(HANDLER, join(app, 'raw-handler.js'))
  prepareElysia(app)
  prepareAstro(app)
}

function attacked(title: string, start: Start): RoutedServer {
  return { names: [], title, program: 'function', start, routes: EVERY_ROUTE, status: 200 }
}

function prepareElysia(app: string): void {
  const guarded = withOptions(app, readFileSync(join(app, 'elysia.ts'), 'utf8'))
  // Before `derive`, which needs an identity.
  const routed = replace(guarded, '\n  .derive(', '\n  .use(routes)\n  .derive(')
  const onBun = `import { routes } from './elysia-routes.js'\n${routed}`
  writeFileSync(join(app, 'elysia-on-bun.ts'), onBun)
  const named = replace(onBun, '\nnew Elysia(', '\nconst app = new Elysia(')
  const onNode = `import { serve } from 'srvx'\n${replace(named, LISTEN, ON_NODE)}`
  writeFileSync(join(app, 'elysia-on-node.ts'), onNode)
}

function prepareAstro(app: string): void {
  const source = join(app, 'astro-attacked/src')
  cpSync(join(app, 'astro'), dirname(source), { recursive: true })
  const middleware = join(source, 'middleware.ts')
  writeFileSync(middleware, withOptions(app, readFileSync(middleware, 'utf8')))
  for (const [file, route] of Object.entries(PAGES)) {
    const page = join(source, 'pages', file)
    mkdirSync(dirname(page), { recursive: true })
    writeFileSync(page, pageOf(app, route))
  }
}

function pageOf(app: string, route: string): string {
  return `import { serve } from '${app}/raw-handler.js'
export const ALL = ({ request: { method, headers }, url: { href: url } }) =>
  serve({ method, headers, url }, '${route}')
`
}

function withOptions(app: string, source: string): string {
  const guarded = replace(source, 'createAuthenticator()', 'createAuthenticator(OPTIONS)')
  return `import { OPTIONS } from '${app}/raw-handler.js'\n${guarded}`
}

function replace(source: string, text: string | RegExp, other: string): string {
  const replaced = source.replace(text, () => other)
  if (replaced !== source) return replaced
  throw new Error(`The example does not have ${String(text)} any more`)
}
