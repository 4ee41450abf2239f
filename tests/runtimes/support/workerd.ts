import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORKERD } from './binaries.ts'
import { bundle } from './bundle.ts'
import { startServer } from './server-process.ts'
import type { RunningServer } from './server-process.ts'

/** The compatibility date of most workers here. */
export const CURRENT_DATE = '2026-07-01'
// Without the network called "internet" a worker may not reach the loopback interface.
const LOOPBACK = '(allow = ["local"])'
// Those of wrangler.
const BUNDLE_OPTIONS = ['--format=esm', '--conditions=workerd,worker,browser']

/**
 * Serves a module worker with workerd itself, on a real socket and with a real `fetch`. It resolves no package names,
 * so the worker is bundled first, as wrangler would.
 */
export async function startWorker(
  program: string,
  app: string,
  env: Readonly<Record<string, string>>,
  flags: readonly string[],
  date: string = CURRENT_DATE,
  network: string = LOOPBACK,
): Promise<RunningServer> {
  const cwd = mkdtempSync(join(app, 'worker-'))
  await bundle(join(app, program), join(cwd, 'worker.js'), BUNDLE_OPTIONS)
  writeFileSync(join(cwd, 'config.capnp'), createConfig(env, flags, date, network))
  const args = ['serve', 'config.capnp', '--control-fd=3']
  return startServer({ binary: WORKERD, args, cwd, env: {} })
}

function createConfig(
  env: Readonly<Record<string, string>>,
  flags: readonly string[],
  date: string,
  network: string,
): string {
  // Cap'n Proto escapes text as JSON does.
  const bindings = Object.entries(env).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  )
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = ${network}),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${date}",
  compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(', ')}],
  bindings = [${bindings.join(', ')}],
);
`
}
