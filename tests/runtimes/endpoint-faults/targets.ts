import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DENO, findNode } from '../support/binaries.ts'
import { DENO_SERVE, onBun, onCommand, onNode } from '../support/served-program.ts'
import { CURRENT_DATE, startWorker } from '../support/workerd.ts'
import { always, ok } from './answers.ts'
import { AUTHORITY } from './certificates.ts'
import { expectVerdict, openSite, SETTLED_MS } from './site.ts'
import type { Start } from '../support/served-program.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { Case, RuntimeName } from './row.ts'
import type { Target } from './site.ts'

const NODE_24 = findNode('24')
const LIBRARY = '@hono/node-server'
const PROGRAM = 'fault-guards.js'
const AUTHORITY_FILE = 'authority.pem'

/** How each runtime serves the guards, trusting the authority of these tests. */
export const STARTS: Readonly<Record<RuntimeName, (app: string) => Promise<RunningServer>>> = {
  Node: trusting('NODE_EXTRA_CA_CERTS', onNode(NODE_24, LIBRARY, PROGRAM)),
  'Node by its dispatcher': trusting('NODE_EXTRA_CA_CERTS', onNode(NODE_24, LIBRARY, PROGRAM)),
  'Node over undici': trusting('AUTHORITY', onNode(NODE_24, LIBRARY, 'fault-node-transport.js')),
  Bun: trusting('NODE_EXTRA_CA_CERTS', onBun(PROGRAM)),
  // Names are looked up too, so a permission for 127.0.0.1 alone would be another failure.
  Deno: trusting('DENO_CERT', onCommand(DENO, ...DENO_SERVE, '--allow-net', PROGRAM)),
  workerd: (app) => startWorker(PROGRAM, app, {}, [], CURRENT_DATE, NETWORK),
}

const NETWORK = `(
  allow = ["local", "public"],
  tlsOptions = (trustedCertificates = [${JSON.stringify(AUTHORITY)}]),
)`

export const HEALTHY: Case = { name: 'a healthy endpoint', fault: always(ok()), expected: 'allow' }

/** Writes the authority that the runtimes trust, before any of them starts: a file being rewritten is empty for a moment. */
export function writeAuthority(app: string): void {
  writeFileSync(join(app, AUTHORITY_FILE), AUTHORITY)
}

/** Starts a runtime, and measures what is normal on it. */
export async function startTarget(runtime: RuntimeName, app: string): Promise<Target> {
  const server = await STARTS[runtime](app)
  const target: Target = { server, runtime, identity: 'optional', baseline: 0, handled: [] }
  return { ...target, baseline: await measureBaseline(target) }
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

function trusting(variable: string, start: Start): (app: string) => Promise<RunningServer> {
  return (app) => start(app, { [variable]: join(app, AUTHORITY_FILE) })
}

/** The server programs print these. The guard says why requests are rejected, which identity it dropped, and which status is odd. */
const OWN =
  /^HANDLER |^(?:deno serve: )?Listening on \S+$|^Started server: \S+$|^with-auth: .*(?:\brequests are rejected\b|\bthe request was rejected\b|\bidentity that was dropped\b|\b(?:answers \d+ to|redirects) (?:every|some) questions?: )/

const NODE_CAUSES = [
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

/** The causes that the guard finds, among others, in the errors of each runtime. workerd gives none. */
export const CAUSES: Readonly<Record<RuntimeName, readonly string[]>> = {
  Node: NODE_CAUSES,
  'Node by its dispatcher': NODE_CAUSES,
  'Node over undici': NODE_CAUSES,
  Bun: NODE_CAUSES,
  Deno: NODE_CAUSES.map((cause) => cause.replace('DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_UNTRUSTED')),
  workerd: [],
}

/** Lines that a runtime prints by itself for a fault that it also reports to the program. */
const NOISE: Readonly<Record<RuntimeName, RegExp | undefined>> = {
  Node: undefined,
  'Node by its dispatcher': undefined,
  'Node over undici': undefined,
  Bun: /^Decompression error: \w+$/,
  Deno: undefined,
  workerd: new RegExp(
    [
      String.raw`^\{"event":"listen"`,
      // A connection that failed, and the addresses of the program that it failed in.
      String.raw`^workerd/jsg/util\.c\+\+:\d+: error: e = \S+: failed: (?:TLS handshake failed|failed to lookup address)`,
      String.raw`^stack: `,
      // A request that has ended would have been woken by another.
      String.raw`^workerd/io/io-own\.c\+\+:\d+: warning: .*dropped queued cross-context actions`,
    ].join('|'),
  ),
}

/** Whether a printed line is expected, so that it shows no defect. */
export function isKnown(runtime: RuntimeName, line: string): boolean {
  return OWN.test(line) || NOISE[runtime]?.test(line) === true
}
