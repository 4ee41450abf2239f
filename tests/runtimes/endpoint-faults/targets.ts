import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BUN, DENO, findNode } from '../support/binaries.ts'
import { readMemory } from '../support/process-memory.ts'
import { startServer } from '../support/server-process.ts'
import { CURRENT_DATE, startWorker } from '../support/workerd.ts'
import { always, ok } from './answers.ts'
import { AUTHORITY } from './certificates.ts'
import { expectVerdict, openSite, SETTLED_MS } from './site.ts'
import type { Binary } from '../support/binaries.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { Case, Identity, RuntimeName } from './row.ts'
import type { Target } from './site.ts'

type Start = (app: string) => Promise<RunningServer>

/** How each runtime serves the guards, trusting the authority of these tests. */
export const STARTS: Readonly<Record<RuntimeName, Start>> = {
  Node: trusting('NODE_EXTRA_CA_CERTS', findNode('24'), 'fault-node.js'),
  'Node by its dispatcher': trusting('NODE_EXTRA_CA_CERTS', findNode('24'), 'fault-node.js'),
  'Node over undici': trusting('AUTHORITY', findNode('24'), 'fault-node-transport.js'),
  Bun: trusting('NODE_EXTRA_CA_CERTS', BUN, 'fault-bun.js'),
  // Names are looked up too, so a permission for 127.0.0.1 alone would be another failure.
  Deno: trusting('DENO_CERT', DENO, 'run', '--no-prompt', '--allow-net', 'fault-deno.js'),
  workerd: (app) => startWorker('fault-worker.js', app, {}, [], CURRENT_DATE, NETWORK),
}

const NETWORK = `(
  allow = ["local", "public"],
  tlsOptions = (trustedCertificates = [${JSON.stringify(AUTHORITY)}]),
)`

/** A server, and what stops it. */
export interface RunningTarget extends Target {
  readonly server: RunningServer
}

export const HEALTHY: Case = { name: 'a healthy endpoint', fault: always(ok()), expected: 'allow' }

/** Starts a runtime, and measures what is normal on it. */
export async function startTarget(
  runtime: RuntimeName,
  identity: Identity,
  app: string,
): Promise<RunningTarget> {
  const server = await STARTS[runtime](app)
  let measured: Promise<number> | undefined
  const target: RunningTarget = {
    server,
    url: server.url,
    runtime,
    identity,
    handled: [],
    memory: () => readMemory(server.pid).now,
    // Measured once, while the first cases run.
    get baseline() {
      measured ??= measureBaseline(target)
      return measured
    },
  }
  return target
}

/** The connections that one healthy call leaves open for as long as a broken one may take to be closed. */
async function measureBaseline(target: Target): Promise<number> {
  const site = await openSite(target, 'baseline', HEALTHY, 'allow')
  try {
    expectVerdict(site, await site.ask())
    await sleep(SETTLED_MS)
    return site.endpoint.openSockets()
  } finally {
    await site.endpoint.close()
  }
}

function trusting(variable: string, binary: Binary, ...args: string[]): Start {
  return (app) => {
    const file = join(app, 'authority.pem')
    writeFileSync(file, AUTHORITY)
    return startServer({ binary, args, cwd: app, env: { [variable]: file } })
  }
}
