import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { versionOfModule } from './binaries.ts'
import { bundle } from './bundle.ts'
import { startServer } from './server-process.ts'
import type { Binary } from './binaries.ts'
import type { RunningServer } from './server-process.ts'

// Vercel's own condition comes first, as in Next.js.
const BUNDLE_OPTIONS = ['--format=iife', '--conditions=edge-light,worker,browser']
const SERVER = join(import.meta.dirname, '../servers/edge-runtime.js')

/** Serves a program that listens to `fetch` events with Vercel's edge-runtime, which itself runs on Node. */
export async function startEdgeRuntime(
  binary: Binary,
  program: string,
  app: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const cwd = mkdtempSync(join(app, 'edge-'))
  await bundle(join(app, program), join(cwd, 'edge.js'), BUNDLE_OPTIONS)
  const server = await startServer({ binary, args: [SERVER], cwd, env })
  return { ...server, version: versionOfModule('edge-runtime') }
}
