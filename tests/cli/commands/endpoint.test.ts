import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { checkCommand } from '../../../src/cli/commands/check.ts'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { about } from '../../../src/cli/conformance/questions.ts'
import { createKey, revokeKey } from '../../../src/keys.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'

const inFolder = setupFolder()
afterEach(stopCommands)

describe('with-auth endpoint', () => {
  it('passes every check, and logs each answer', async () => {
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const serving = serveCommand(endpointCommand, ['--keys', file])
    const url = await serving.listening()
    expect(serving.noted()).toContain(url)

    const rows = await examine({ url: `${url}/validate`, headers: {}, timeoutMs: 5000 }, key)
    expect(rows.filter(({ result }) => result !== 'ok')).toEqual([])
    const statuses = new Set(serving.logged('answer').map(({ status }) => status))
    expect([...statuses]).toEqual(expect.arrayContaining([200, 401]))
    expect(serving.printed()).not.toContain(key)
    serving.signal('SIGTERM')
    expect(await serving.ended).toBe(0)
  })

  it('logs why it denies a key, with the id of the key and without the key', async () => {
    const file = inFolder('denied.yaml')
    const { id, key } = await createKey(file, { principal: 'bob', paths: ['/v1'] })
    const serving = serveCommand(endpointCommand, ['--keys', file])
    const url = await serving.listening()
    const ask = async (text: string, path: string): Promise<string> => {
      const body = JSON.stringify({ api_key: text, request: { path, headers: {}, params: {} } })
      const response = await fetch(url, { method: 'POST', body })
      return `${response.status} ${await response.text()}`
    }
    const answers = [await ask(key, '/v2'), await ask(key.slice(0, -2), '/v1')]
    await revokeKey(file, id)
    answers.push(await ask(key, '/v1'), await ask('sk-other', '/v1'))
    expect(new Set(answers)).toEqual(
      new Set(['401 {"error":{"message":"This key is not valid here"}}']),
    )
    const denied = { type: 'answer', status: 401 }
    const logged = serving.logged('answer')
    expect(logged).toMatchObject([
      { ...denied, keyId: id, detail: 'path' },
      { ...denied, detail: 'malformed' },
      { ...denied, keyId: id, detail: 'revoked' },
      { ...denied, detail: 'unknown' },
    ])
    expect(logged.map(({ keyId }) => keyId)).toEqual([id, undefined, id, undefined])
    expect(serving.printed()).not.toContain(key.slice(0, 20))
  })

  it('requires the secret if one is set', async () => {
    const file = inFolder('secret.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const secret = 'endpoint-s3cret-0123456789'
    const env = { WITH_AUTH_ENDPOINT_SECRET: secret }
    const serving = serveCommand(endpointCommand, ['--keys', file, '--max-age=7'], env)
    const url = await serving.listening()

    const run = (more: Record<string, string>) =>
      runLine(['check', url], [checkCommand], { WITH_AUTH_KEY: key, ...more })
    const wrong = { ...env, WITH_AUTH_ENDPOINT_SECRET: 'another-s3cret-0123456789' }
    for (const more of [{}, wrong]) {
      const refused = await run(more)
      expect(refused.code).toBe(1)
      expect(refused.printed).toContain('the endpoint requires the header x-auth-secret')
      expect(refused.printed).toContain('set WITH_AUTH_ENDPOINT_SECRET to its secret')
      expect(refused.printed).not.toMatch(/is missing or wrong|s3cret/)
    }
    const checked = await run(env)
    expect(checked.code).toBe(0)
    expect(checked.printed).toContain('max-age of 7 s')
    expect(serving.printed() + checked.printed).not.toContain(secret)
  })

  it('without its secret is an outage for a gateway, which says what it requires', async () => {
    const file = inFolder('secret.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const env = { WITH_AUTH_ENDPOINT_SECRET: 'endpoint-s3cret-0123456789' }
    const url = await serveCommand(endpointCommand, ['--keys', file], env).listening()
    const gateway = serveCommand(gatewayCommand, ['--upstream', url], { AUTH_ENDPOINT: url })
    const headers = { authorization: `Bearer ${key}` }
    expect((await fetch(await gateway.listening(), { headers })).status).toBe(503)
    expect(gateway.logged('decision')).toMatchObject([{ cause: 'ENDPOINT_SECRET' }])
    expect(gateway.noted()).toContain(
      'with-auth: the endpoint requires the header x-auth-secret: set endpoint_headers in run.yaml\n',
    )
    expect(gateway.noted() + gateway.printed()).not.toContain('is missing or wrong')
  })

  it('that requires a secret later is named to the gateway once, while it rejects every request', async () => {
    const json = { error: { message: 's3cret', code: 'endpoint_secret' } }
    const endpoint = await startService(() => ({ status: 401, json }))
    const url = `http://127.0.0.1:${endpoint.port}`
    const gateway = serveCommand(gatewayCommand, ['--upstream', url], { AUTH_ENDPOINT: url })
    const gatewayUrl = await gateway.listening()
    endpoint.answerWith(() => ({ status: 500, json }))
    for (const token of ['one', 'two']) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(gatewayUrl, { headers })).status).toBe(503)
    }
    expect(gateway.noted().match(/^.*x-auth-secret.*$/gm)).toEqual([
      'with-auth: the endpoint requires the header x-auth-secret: set endpoint_headers in run.yaml',
    ])
    expect(gateway.noted() + gateway.printed()).not.toContain('s3cret')
  })

  it('logs durations and problems with the key file', async () => {
    const file = inFolder('breaks.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const args = ['--keys', file, '--max-age=3600', '--json']
    const { listening, signal, ended, noted, logged } = serveCommand(endpointCommand, args)
    const url = await listening()
    const ask = () => fetch(url, { method: 'POST', body: about(key, 'a key').body })

    const startedAt = performance.now()
    const response = await ask()
    const tookMs = performance.now() - startedAt
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toContain('max-age=3600')
    writeFileSync(file, 'keys: [')
    expect((await ask()).status).toBe(500)
    signal('SIGINT')
    expect(await ended).toBe(0)
    await expect(ask()).rejects.toThrow('fetch failed')

    expect(noted()).toBe('')
    const durationMs: unknown = expect.any(Number)
    expect(logged()).toMatchObject([
      { type: 'listening', url },
      { type: 'answer', status: 200, durationMs },
      { type: 'keys_error', message: expect.stringContaining('breaks.yaml:1') },
      { type: 'answer', status: 500, durationMs },
    ])
    expect(logged()[1]?.['durationMs']).toBeLessThanOrEqual(tookMs)
  })
})
