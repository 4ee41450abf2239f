import { lstatSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { watchDecisions } from '../../../src/cli/watch/client.ts'
import { createKey, revokeKey } from '../../../src/keys.ts'
import { createRequestLog } from '../../../src/cli/gateway/request-log.ts'
import { withAuth } from '../../../src/index.ts'
import { define } from '../../../src/verifiers/define-verifier.ts'
import { serveCommand } from '../../support/served-command.ts'
import { runLine } from '../../support/surroundings.ts'
import { call, setupGateway } from '../support/running-gateway.ts'
import type { Watched } from '../../../src/cli/watch/client.ts'
import type { Verdict } from '../../../src/index.ts'

const BEARER = { authorization: 'Bearer t' }

const { inFolder, upstreamUrl } = setupGateway((_, response) => response.end('hello'))
const controllers: AbortController[] = []
afterEach(() => controllers.splice(0).forEach((controller) => controller.abort()))

/** Watches a socket. */
async function watch(path: string) {
  const controller = new AbortController()
  controllers.push(controller)
  const seen: Watched[] = []
  const run = async (): Promise<void> => {
    for await (const entry of watchDecisions({ path }, controller.signal, 20)) seen.push(entry)
  }
  void run()
  const seenAll = (count: number): Promise<void> =>
    vi.waitFor(() => expect(seen).toHaveLength(count), { timeout: 10_000, interval: 5 })
  await seenAll(1)
  return { seen, seenAll }
}

async function askEndpoint(url: string, key: string, path: string): Promise<void> {
  const body = JSON.stringify({ api_key: key, request: { path, headers: {}, params: {} } })
  await fetch(url, { method: 'POST', body })
}

describe('--watch-socket of with-auth gateway', () => {
  it('takes the id of a key from the verifier of keys alone', async () => {
    const send = vi.fn()
    const log = createRequestLog({
      log: vi.fn(),
      watch: send,
      addressOf: () => undefined,
      requestIdHeader: undefined,
      logsPrincipal: false,
    })
    const handler = (request: Request): Response => {
      log.answered(request, 200)
      return new Response()
    }
    const claims = { key_id: 'key_of_alice' }
    const { onEvent } = log
    const ask = (): Verdict => ({ outcome: 'allow', principal: 'mallory', claims })
    const request = (): Request => new Request('http://x/', { headers: BEARER })
    await withAuth(handler, { verifier: ask, onEvent })(request())
    const keysOf = define({ ask, label: 'api_keys', reads: {} })
    await withAuth(handler, { verifier: keysOf, onEvent })(request())
    const seen = send.mock.calls.map(([decision]: unknown[]) => decision)
    expect(seen).toMatchObject([{ keyId: undefined }, { keyId: 'key_of_alice' }])
  })

  it('shows each decision with its principal and cause in words, and never a key', async () => {
    const [file, path] = [inFolder('keys.yaml'), inFolder('watch.sock')]
    const { key, id: keyId } = await createKey(file, { principal: '<b>alice</b>' })
    const { id, key: revoked } = await createKey(file, { principal: 'bob' })
    await revokeKey(file, id)
    const args = ['--upstream', upstreamUrl(), '--keys', file, '--watch-socket', path]
    const gateway = serveCommand(gatewayCommand, args)
    const url = await gateway.listening()
    const { seen, seenAll } = await watch(path)
    await call(`${url}/v1/models?api_key=${key}`, key)
    await call(`${url}/v1/${key}`, key)
    await call(`${url}/v1`, revoked)
    await call(`${url}/v1`, 'sk-other')
    await call(`${url}/${'x'.repeat(2000)}`)
    await seenAll(6)
    const cause = 'the token was revoked'
    const rejected = { type: 'decision', outcome: 'deny', status: 401, method: 'GET' }
    expect(seen).toMatchObject([
      { type: 'watching', from: 'gateway' },
      { outcome: 'allow', status: 200, method: 'GET', path: '/v1/models' },
      { outcome: 'allow', status: 200, path: '' },
      { ...rejected, path: '/v1', keyId: id, cause },
      { ...rejected, cause: 'the token is not known' },
      { ...rejected, path: `/${'x'.repeat(255)}`, cause: 'no token was sent' },
    ])
    expect(seen[1]).toMatchObject({ principal: '<b>alice</b>', keyId })
    expect(JSON.stringify(seen)).not.toContain(key.slice(0, 16))
    // The log names nobody without --log-principal.
    expect(gateway.printed()).not.toContain('alice')
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toBe(0)
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  it('tells the failure of an upstream', async () => {
    const [file, path] = [inFolder('keys.yaml'), inFolder('watch.sock')]
    const { key } = await createKey(file, { principal: 'alice' })
    const args = ['--upstream', 'http://127.0.0.1:9', '--keys', file, '--watch-socket', path]
    const url = await serveCommand(gatewayCommand, args).listening()
    const { seen, seenAll } = await watch(path)
    await call(url, key)
    await seenAll(2)
    expect(seen[1]).toMatchObject({
      outcome: 'allow',
      status: 502,
      principal: 'alice',
      cause: 'the upstream failed: upstream_unreachable (ECONNREFUSED)',
    })
  })
})

describe('--watch-socket of with-auth endpoint', () => {
  it('shows each answer, with the path and the principal that its log leaves out', async () => {
    const [file, path] = [inFolder('keys.yaml'), inFolder('watch.sock')]
    const { id, key } = await createKey(file, { principal: 'alice', paths: ['/v1'] })
    const endpoint = serveCommand(endpointCommand, ['--keys', file, '--watch-socket', path])
    const url = await endpoint.listening()
    const { seen, seenAll } = await watch(path)
    await askEndpoint(url, key, '/v1/models')
    await askEndpoint(url, key, '/v2')
    await askEndpoint(url, key, `/v2/${encodeURIComponent(key)}`)
    await fetch(url, { method: 'POST', body: '{' })
    await fetch(url)
    await seenAll(6)
    const known = { principal: 'alice', keyId: id }
    const [path1, path2] = ['/v1/models', '/v2']
    const cause = 'the token is not for this path'
    expect(seen).toMatchObject([
      { type: 'watching', from: 'endpoint' },
      { type: 'decision', outcome: 'allow', status: 200, path: path1, ...known },
      { type: 'decision', outcome: 'deny', status: 401, path: path2, ...known, cause },
      { outcome: 'deny', path: '', ...known, cause },
      { outcome: 'deny', status: 400, path: '', cause: 'the question is malformed' },
      { outcome: 'deny', status: 405, cause: 'the question was not sent by POST' },
    ])
    expect(JSON.stringify(seen)).not.toContain(key.slice(0, 16))
    expect(endpoint.printed()).not.toMatch(/alice|models/)
  })

  it('ends the command if the socket cannot be made, and names the flag', async () => {
    const file = inFolder('keys.yaml')
    await createKey(file, { principal: 'alice' })
    const args = ['endpoint', '--keys', file, '--port=0', '--watch-socket']
    const taken = await runLine([...args, file], [endpointCommand])
    expect(taken).toMatchObject({
      code: 1,
      noted: `with-auth: --watch-socket ${file}: there is a file that is no socket\n`,
    })
  })
})
