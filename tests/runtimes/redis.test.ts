import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, inject, it } from 'vitest'
import { ENGINES, startEngine, stopEngines } from '../support/redis-servers.ts'
import { findFreePort } from '../support/loopback.ts'
import { runProgram, RUNTIMES } from './support/run-program.ts'

const [ENGINE] = ENGINES
const PERMISSIONS = ['--allow-net=127.0.0.1', '--allow-read', '--allow-env']

afterEach(stopEngines)

/** A certificate that is its own authority, for the engine and for its clients. */
function makeCertificate(): string {
  const folder = mkdtempSync(join(inject('app'), 'tls-'))
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/ca.pem`]
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'ignore' })
  return folder
}

it.skipIf(ENGINE === undefined).each(RUNTIMES)(
  'redisStore revokes and shares over TLS on $name, and lets the process end',
  { timeout: 120_000 },
  async (binary) => {
    const folder = makeCertificate()
    const port = await findFreePort()
    const [ca, key] = [`${folder}/ca.pem`, `${folder}/key.pem`]
    const args = ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'yes']
    const files = ['--tls-cert-file', ca, '--tls-key-file', key, '--tls-ca-cert-file', ca]
    await startEngine(ENGINE ?? 'valkey', { args: [...args, ...files] })
    const line = ['redis-store.js', `rediss://127.0.0.1:${port}`, folder]
    expect(await runProgram(binary, line, { permissions: PERMISSIONS })).toEqual({
      passed: 3,
      failures: [],
    })
  },
)
