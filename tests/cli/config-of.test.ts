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
} from '../../src/cli/config-of.ts'
import { UsageError } from '../../src/cli/errors.ts'
import { createAuthenticator } from '../../src/index.ts'
import { createKey } from '../../src/keys.ts'
import { get } from '../support/requests.ts'
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
  const OPTIONS = {
    'request-id-header': { value: 'NAME', help: '' },
    'strip-header': { value: 'NAME', help: '', isRepeatable: true },
  } as const
  const add = (header: string | undefined, config: AuthConfig = {}, ...more: string[]) => {
    const args = header === undefined ? more : [`--request-id-header=${header}`, ...more]
    return withRequestIdHeader(config, readCommandLine(args, OPTIONS))
  }

  it('takes the place of the header in the configuration', () => {
    const config = { requestIdHeader: 'x-other', timeoutMs: 900 }
    expect(add('X-Request-Id', config)).toEqual({ requestIdHeader: 'X-Request-Id', timeoutMs: 900 })
    expect(add(undefined, config)).toBe(config)
  })

  it.each<[string, AuthConfig]>([
    ['Authorization', {}],
    ['x-api-key', { credentials: { header: 'X-API-Key' } }],
    ['X_API_Key', { credentials: ['bearer', { header: 'x-api-key' }] }],
    ['two words', {}],
  ])('does not take %s: its value would be in the log', (header, config) => {
    expect(() => add(header, config)).toThrow(
      new UsageError(
        `--request-id-header must be the name of a header that holds no credentials, received "${header}"`,
      ),
    )
  })

  it.each([
    'host',
    'Content-Length',
    'connection',
    'te',
    'expect',
    'Accept-Encoding',
    'content-type',
    'via',
    'x-forwarded-for',
    'X_Forwarded_For',
    'x-auth-principal',
    'x_auth-attributes',
  ])('does not take %s, which the gateway sets or removes', (header) => {
    expect(() => add(header)).toThrow(
      new UsageError(
        `--request-id-header must be the name of a header that has no other use, received "${header}"`,
      ),
    )
  })

  it.each([
    ['x-user', 'X_User'],
    ['x-trace_id', 'X_Trace-*'],
  ])('does not take %s beside --strip-header=%s', (header, stripped) => {
    expect(() => add(header, {}, '--strip-header=x-other', `--strip-header=${stripped}`)).toThrow(
      new UsageError(
        `--request-id-header must be the name of a header that --strip-header does not remove, received "${header}"`,
      ),
    )
    expect(() => add('y-id', {}, `--strip-header=${stripped}`)).not.toThrow()
  })

  it('leaves other mistakes of the configuration to its own error', () => {
    expect(() => add('x-request-id', { timeoutMs: 0 })).toThrow('"timeoutMs" must be')
  })
})

describe('the options that are written in the file with --config', () => {
  const secret = 'sk-live-0123456789'

  it('are taken as they are with AUTH_ENDPOINT', async () => {
    const args = ['--public=/docs/*', '--public=/health', '--preflight=allow', '--realm=models']
    const sources = ['bearer', 'header:x-api-key', 'cookie:session']
    const all = [...args, ...sources.map((source) => `--credentials=${source}`)]
    expect(await read(all, { AUTH_ENDPOINT: 'https://b.example' })).toEqual({
      endpoint: 'https://b.example',
      unavailableStatus: 503,
      public: ['/docs/*', '/health'],
      preflight: 'allow',
      realm: 'models',
      credentials: ['bearer', { header: 'x-api-key' }, { cookie: 'session' }],
    })
  })

  it.each([
    ['--public=docs', '--public must be a path that starts with "/", received "docs"'],
    ['--public=/*', '--public must be narrower'],
    [
      '--public=/a/../b',
      '--public must be a path without "." and ".." segments, received "/a/../b"',
    ],
    ['--preflight=yes', '--preflight must be allow, received "yes"'],
    ['--preflight=deny', '--preflight must be allow, received "deny"'],
    ['--realm=é', '--realm must be a non-empty string of printable ASCII, received "é"'],
    [
      `--credentials=${secret}`,
      '--credentials must be bearer, header:NAME or cookie:NAME (its value is not shown)',
    ],
    [
      `--credentials=web-socket-protocol:${secret}`,
      '--credentials must be bearer, header:NAME or cookie:NAME (its value is not shown)',
    ],
    [
      `--credentials=header:x-api-key=${secret}`,
      '--credentials must be a name without blanks and separators (its value is not shown)',
    ],
    [
      '--credentials=header:authorization',
      '--credentials must be another header: --credentials has a source of its own for this one (its value is not shown)',
    ],
  ])('cannot be %s', async (argument, message) => {
    const reading = read([argument], { AUTH_ENDPOINT: 'https://b.example' })
    await expect(reading).rejects.toThrow(UsageError)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.not.toThrow(secret)
  })

  it('name each place of a key once', async () => {
    const twice = ['--credentials=bearer', '--credentials=bearer']
    await expect(read(twice, { AUTH_ENDPOINT: 'https://b.example' })).rejects.toThrow(
      new UsageError(
        '--credentials must be a list that names each source once (its value is not shown)',
      ),
    )
  })

  it.each(['--public=/a', '--preflight=allow', '--realm=a', '--credentials=bearer'])(
    'cannot be given beside --config, as in %s',
    async (argument) => {
      const [flag = '', name = ''] = /^--(\w+)/.exec(argument) ?? []
      await expect(read(['--config', 'lost.yaml', argument])).rejects.toThrow(
        new UsageError(
          `${flag} cannot be given beside --config: set server.auth.${name} in the file`,
        ),
      )
    },
  )

  it('are looked at before the file of keys', async () => {
    const args = ['--keys', join(folder, 'lost.yaml'), '--preflight=yes']
    await expect(read(args)).rejects.toThrow('--preflight must be')
  })
})
