import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import {
  configForKeys,
  GUARD_OPTIONS,
  readGuardConfig,
  withRequestIdHeader,
} from '../../src/cli/guard-config.ts'
import { createAuthenticator } from '../../src/index.ts'
import { createKey } from '../../src/keys.ts'
import { get } from '../support/requests.ts'
import { UsageError } from '../../src/cli/usage-error.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-guard-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function read(args: readonly string[], env: Record<string, string> = {}) {
  return readGuardConfig(readCommandLine(args, GUARD_OPTIONS), { env }, () => undefined)
}

describe('who is let in', () => {
  it('is said by a run.yaml, which goes before the environment', async () => {
    const file = join(folder, 'run.yaml')
    writeFileSync(file, 'server: { auth: { endpoint: "https://a.example/v", timeout_ms: 900 } }')
    const config = await read(['--config', file], { AUTH_ENDPOINT: 'https://b.example' })
    expect(config).toEqual({ endpoint: 'https://a.example/v', timeoutMs: 900 })
  })

  it('is said by the endpoint of the environment', async () => {
    expect(await read([], { AUTH_ENDPOINT: 'https://b.example' })).toEqual({
      endpoint: 'https://b.example',
      unavailableStatus: 503,
    })
  })

  it('must be said once', async () => {
    await expect(read([])).rejects.toThrow('Who is let in?')
    await expect(read(['--config', 'a', '--keys', 'b'])).rejects.toThrow('give one of them')
  })

  it('is said by a file of keys, in this process', async () => {
    const file = join(folder, 'keys.yaml')
    const { key } = await createKey(file, { principal: 'alice', paths: ['/v1'] })
    const onEvent = vi.fn<(event: AuthEvent) => void>()
    const authenticate = createAuthenticator({ ...(await read(['--keys', file])), onEvent })
    const result = await authenticate(get('/v1/models', key))
    expect(result.ok && result.auth?.principal).toBe('alice')
    expect(await authenticate(get('/other', key))).toMatchObject({ ok: false, reason: 'denied' })
    expect(await authenticate(get('/v1', `${key}x`))).toMatchObject({ ok: false, reason: 'denied' })
    expect(await authenticate(get('/v1/models?x=1', key))).toMatchObject({ ok: true })
    expect(onEvent).toHaveBeenLastCalledWith(expect.objectContaining({ cache: 'hit' }))
  })

  it('lets nobody in when the file has become unusable, and tells of it', async () => {
    const file = join(folder, 'broken.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const onError = vi.fn()
    const authenticate = createAuthenticator(await configForKeys(file, onError))
    writeFileSync(file, 'keys: [')
    const result = await authenticate(get('/', key))
    expect(result).toMatchObject({ ok: false, response: { status: 503 } })
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining('broken.yaml:1') }),
    )
  })

  it('is not said by a file that is not there', async () => {
    await expect(read(['--keys', join(folder, 'lost.yaml')])).rejects.toThrow(
      /^--keys \/.*lost\.yaml: no such file: make one with "with-auth keys create"$/,
    )
  })
})

describe('--request-id-header', () => {
  const add = (header: string | undefined, config: AuthConfig = {}) => {
    const args = header === undefined ? [] : [`--request-id-header=${header}`]
    const option = { 'request-id-header': { value: 'NAME', help: '' } }
    return withRequestIdHeader(config, readCommandLine(args, option))
  }

  it('takes the place of the header in the configuration', () => {
    const config = { requestIdHeader: 'x-other', timeoutMs: 900 }
    expect(add('X-Request-Id', config)).toEqual({ requestIdHeader: 'X-Request-Id', timeoutMs: 900 })
    expect(add(undefined, config)).toBe(config)
  })

  it.each([
    ['Authorization', {}],
    ['x-api-key', { credentials: { header: 'X-API-Key' } }],
    ['two words', {}],
  ])('does not take %s: its value would be in the log', (header, config) => {
    expect(() => add(header, config)).toThrow(
      new UsageError(
        `--request-id-header must be the name of a header that holds no credentials, received "${header}"`,
      ),
    )
  })

  it('leaves other mistakes of the configuration to its own error', () => {
    expect(() => add('x-request-id', { timeoutMs: 0 })).toThrow('"timeoutMs" must be')
  })
})
