import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, inject, it } from 'vitest'
import { ENGINES, startEngine, stopEngines } from '../support/redis-servers.ts'
import { findFreePort } from '../support/loopback.ts'
import { BUN, DENO, SOME_NODES, locate } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

const run = promisify(execFile)
const [ENGINE] = ENGINES

const RUNTIMES: readonly (readonly [Binary, ...string[]])[] = [
  ...SOME_NODES.map((node): [Binary] => [node]),
  [BUN],
  [DENO, 'run', '--no-prompt', '--allow-net=127.0.0.1', '--allow-read', '--allow-env'],
]
const ROWS = RUNTIMES.map((runtime) => [runtime[0].name, runtime] as const)

afterEach(stopEngines)

async function runProgram(
  [binary, ...args]: readonly [Binary, ...string[]],
  ...line: readonly string[]
): Promise<unknown> {
  const command = [...args, 'redis-store.js', ...line]
  // A program that its store keeps alive is ended, which is a failure.
  const options = { cwd: inject('app'), env: {}, timeout: 60_000 }
  const { stdout } = await run(locate(binary), command, options).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error)
      throw new Error(String(error.stdout), { cause: error })
    throw error
  })
  return JSON.parse(stdout)
}

/** A certificate that is its own authority, for the engine and for its clients. */
function makeCertificate(): string {
  const folder = mkdtempSync(join(inject('app'), 'tls-'))
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/ca.pem`]
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'ignore' })
  return folder
}

it.skipIf(ENGINE === undefined).each(ROWS)(
  'redisStore revokes and shares over TLS on %s, and lets the process end',
  async (_name, runtime) => {
    const folder = makeCertificate()
    const port = await findFreePort()
    const [ca, key] = [`${folder}/ca.pem`, `${folder}/key.pem`]
    const args = ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'yes']
    const files = ['--tls-cert-file', ca, '--tls-key-file', key, '--tls-ca-cert-file', ca]
    await startEngine(ENGINE ?? 'valkey', { args: [...args, ...files] })
    const url = `rediss://127.0.0.1:${port}`
    expect(await runProgram(runtime, url, folder)).toEqual({ passed: 3, failures: [] })
  },
  90_000,
)
