import { bin, built, bun, denoServe, node, srvx, worker } from './support/start.ts'
import type { Start } from './support/start.ts'

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
  { file: 'hono.ts', framework: ['Hono', 'hono'], server: 'srvx on Node', start: srvx('hono.ts') },
  {
    file: 'hono-per-route.ts',
    framework: ['Hono', 'hono'],
    server: 'srvx on Node',
    start: srvx('hono-per-route.ts'),
  },
  {
    file: 'hono-sub-apps.ts',
    framework: ['Hono', 'hono'],
    server: 'srvx on Node',
    start: srvx('hono-sub-apps.ts'),
  },
  { file: 'bun.ts', framework: ['Bun', 'bun'], server: 'Bun', start: bun('bun.ts') },
  {
    file: 'deno.ts',
    framework: ['Deno', 'deno'],
    server: 'deno serve',
    start: denoServe('deno.ts'),
  },
  {
    file: 'workers.ts',
    framework: ['workerd', 'workerd'],
    server: 'workerd',
    start: worker('workers.ts'),
  },
  { file: 'srvx.ts', framework: ['srvx', 'srvx'], server: 'Node', start: node('srvx.ts') },
  { file: 'h3.ts', framework: ['h3', 'h3'], server: 'Node', start: node('h3.ts') },
  { file: 'elysia.ts', framework: ['Elysia', 'elysia'], server: 'Bun', start: bun('elysia.ts') },
  {
    file: 'express.js',
    framework: ['Express', 'express'],
    server: 'Node',
    start: node('express.js'),
  },
  {
    file: 'fastify.js',
    framework: ['Fastify', 'fastify'],
    server: 'Node',
    start: node('fastify.js'),
  },
  {
    file: 'lambda.ts',
    framework: ['Hono', 'hono'],
    server: 'events in format 2.0, on Node',
    start: node('lambda-url.js'),
  },
]

/** The examples that their framework builds first. */
export const APPS: readonly Example[] = [
  {
    file: 'next/app/v1/notes/route.ts',
    framework: ['Next.js', 'next'],
    server: 'next build, next start',
    start: built(
      'next',
      [bin('next/dist/bin/next'), 'build'],
      [bin('next/dist/bin/next'), 'start'],
    ),
  },
  {
    file: 'sveltekit/src/hooks.server.ts',
    framework: ['SvelteKit', '@sveltejs/kit'],
    server: 'vite build, node build',
    start: built('sveltekit', [bin('vite/bin/vite.js'), 'build'], ['build/index.js']),
  },
  {
    file: 'react-router/app/auth.ts',
    framework: ['React Router', 'react-router'],
    server: 'react-router build, react-router-serve',
    start: built(
      'react-router',
      [bin('@react-router/dev/bin.cjs'), 'build'],
      [bin('@react-router/serve/bin.cjs'), 'build/server/index.js'],
    ),
  },
  {
    file: 'astro/src/middleware.ts',
    framework: ['Astro', 'astro'],
    server: 'astro build, node dist/server/entry.mjs',
    start: built('astro', [bin('astro/bin/astro.mjs'), 'build'], ['dist/server/entry.mjs']),
  },
]
