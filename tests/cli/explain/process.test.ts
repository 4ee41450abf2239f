/** @module-tag slow */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, it } from 'vitest'
import { createKey } from '../../../src/keys.ts'
import { readRecording } from '../../recorded/recording.ts'
import { ensureBuilt } from '../../support/built-package.ts'
import { close, listen } from '../../support/loopback.ts'
import { ROOT } from '../../support/project.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

/** The built command as a process of its own. */

const inFolder = setupFolder()
beforeAll(ensureBuilt, 120_000)

async function run(args: readonly string[], input: string, nodeArgs: readonly string[] = []) {
  const line = [...nodeArgs, join(ROOT, 'dist/cli.js'), 'explain', '--path', '/v1', ...args]
  const child = spawn(process.execPath, line, { cwd: inFolder('.') })
  child.stdin.end(input)
  const ended = new Promise((resolve) => child.on('close', resolve))
  const [printed, noted] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, printed, noted }
}

function write(auth: string): readonly string[] {
  writeFileSync(inFolder('run.yaml'), `server:\n  auth:\n    ${auth.replaceAll('\n', '\n    ')}\n`)
  return ['--config', 'run.yaml']
}

it('exits with 0 for a key that is allowed, and prints no key', async () => {
  const { key } = await createKey(inFolder('keys.yaml'), { principal: 'bob' })
  const { code, printed, noted } = await run(['--keys', 'keys.yaml'], `${key}\n`)
  expect({ code, noted }).toEqual({ code: 0, noted: '' })
  expect(printed).toMatch(
    /^GET \/v1: allowed\n\n--keys, api_keys: allowed\n {2}key_\w+: valid, principal bob\n/,
  )
  expect(printed).not.toContain(key.slice(10, 20))
})

it('exits with 1 for a token of Keycloak that is for another API', async () => {
  const recording = readRecording<{
    recordedAt: number
    issuer: string
    keys: object
    tokens: Record<string, string>
  }>('keycloak')
  const server = createServer((_, response) => void response.end(JSON.stringify(recording.keys)))
  const port = await listen(server)
  const auth = `provider_config:
  type: oauth2_token
  issuer: ${recording.issuer}
  audience: my-api
  jwks: { uri: "http://127.0.0.1:${port}/certs" }`
  const clock = `const start = performance.now(); Date.now = () => ${recording.recordedAt} + performance.now() - start`
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(clock)}`]
  const token = recording.tokens['account'] ?? ''
  const { code, printed } = await run(write(auth), token, nodeArgs)
  expect(code).toBe(1)
  expect(printed).toMatch(/^ {2}aud +account +my-api +NO$/m)
  expect(printed).toMatch(/^ {2}exp .*\(in 4 minutes\) +in the future +ok$/m)
  expect(printed).not.toContain(token.slice(-20))
  await close(server)
})

it('exits with 2 for a file with ten errors, and with 1 for a token of 100 KB', async () => {
  const wrong = Array.from({ length: 10 }, (_, index) => `wrong_${index}: 1`)
  const bad = await run(write(['endpoint: http://127.0.0.1:65000/', ...wrong].join('\n')), 'token')
  expect({ code: bad.code, printed: bad.printed }).toEqual({ code: 2, printed: '' })
  const long = await run(write('endpoint: http://127.0.0.1:65000/'), 'a'.repeat(100_000))
  expect(long.code).toBe(1)
  expect(long.printed).toContain('(malformed_credentials, too_long)')
})

it('exits with 3 for a service that hangs, and ends in time', async () => {
  const server = createServer(() => undefined)
  const port = await listen(server)
  const startedAt = performance.now()
  const { code, printed } = await run(
    write(`endpoint: http://127.0.0.1:${port}/\ntimeout_ms: 300`),
    'some-token',
  )
  expect(code).toBe(3)
  expect(printed).toContain('Why: The service did not answer in time.')
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  await close(server)
})
