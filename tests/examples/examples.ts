import { onWorkerd } from '../runtimes/support/served-program.ts'
import { bin, built, bun, denoServe, node, srvx } from './support/start.ts'
import type { Start } from '../runtimes/support/served-program.ts'

/** An example, and how the tests serve it. */
export interface Example {
  /** Below `examples/`. */
  readonly file: string
  /** The framework or runtime, and the package with its version. */
  readonly framework: readonly [name: string, packageName: string]
  /** The server, as docs/frameworks/README.md names it. */
  readonly server: string
  readonly start: Start
}

/** The examples that run without a build. */
export const PROGRAMS: readonly Example[] = [
  example('hono.ts', 'Hono', 'srvx on Node', srvx('hono.ts')),
  example('hono-per-route.ts', 'Hono', 'srvx on Node', srvx('hono-per-route.ts')),
  example('hono-sub-apps.ts', 'Hono', 'srvx on Node', srvx('hono-sub-apps.ts')),
  example('bun.ts', 'Bun', 'Bun', bun('bun.ts')),
  example('deno.ts', 'Deno', 'deno serve', denoServe('deno.ts')),
  example('workers.ts', 'workerd', 'workerd', onWorkerd('workers.ts')),
  example('srvx.ts', 'srvx', 'Node', node('srvx.ts')),
  example('h3.ts', 'h3', 'Node', node('h3.ts')),
  example('elysia.ts', 'Elysia', 'Bun', bun('elysia.ts')),
  example('express.js', 'Express', 'Node', node('express.js')),
  example('fastify.js', 'Fastify', 'Node', node('fastify.js')),
  example('lambda.ts', 'Hono', 'events in format 2.0, on Node', node('lambda-url.js')),
]

const NEXT = bin('next/dist/bin/next')
const VITE = bin('vite/bin/vite.js')
const REACT_ROUTER = bin('@react-router/dev/bin.cjs')
const SERVE_REACT_ROUTER = [bin('@react-router/serve/bin.cjs'), 'build/server/index.js']
const ASTRO = bin('astro/bin/astro.mjs')

/** The examples that their framework builds first. */
export const APPS: readonly Example[] = [
  example(
    'next/app/v1/notes/route.ts',
    ['Next.js', 'next'],
    'next build, next start',
    built('next', [NEXT, 'build'], [NEXT, 'start']),
  ),
  example(
    'sveltekit/src/hooks.server.ts',
    ['SvelteKit', '@sveltejs/kit'],
    'vite build, node build',
    built('sveltekit', [VITE, 'build'], ['build/index.js']),
  ),
  example(
    'react-router/app/auth.ts',
    ['React Router', 'react-router'],
    'react-router build, react-router-serve',
    built('react-router', [REACT_ROUTER, 'build'], SERVE_REACT_ROUTER),
  ),
  example(
    'astro/src/middleware.ts',
    'Astro',
    'astro build, node dist/server/entry.mjs',
    built('astro', [ASTRO, 'build'], ['dist/server/entry.mjs']),
  ),
]

/** The package has the framework's name in lower case, unless it is given. */
function example(
  file: string,
  framework: string | Example['framework'],
  server: string,
  start: Start,
): Example {
  const named = [framework].flat()
  return {
    file,
    framework: [named[0] ?? '', named[1] ?? named[0]?.toLowerCase() ?? ''],
    server,
    start,
  }
}
