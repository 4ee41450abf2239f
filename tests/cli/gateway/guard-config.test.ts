import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCommandLine } from '../../../src/cli/command-line.ts'
import {
  addressFor,
  configForKeys,
  GUARD_OPTIONS,
  readGuardConfig,
  withRequestIdHeader,
} from '../../../src/cli/gateway/guard-config.ts'
import { startLiveGuard } from '../../../src/cli/gateway/live-guard.ts'
import { peerAddressOf } from '../../../src/cli/gateway/client-address.ts'
import { fromUpstream } from '../../../src/verifiers.ts'
import { UsageError } from '../../../src/cli/errors.ts'
import { revocationBounds } from '../../../src/cli/revocation-bounds.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createAuthenticator } from '../../../src/index.ts'
import { close, listen } from '../../support/loopback.ts'
import { get } from '../../support/requests.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { words } from '../../support/words.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthConfig } from '../../../src/index.ts'
import type { KeyStore, StoredKey } from '../../../src/keys.ts'

describe('a config from a database of keys', () => {
  it('caches its decisions', async () => {
    const sha256 = createHash('sha256').update('k1').digest('hex')
    const row: StoredKey = { id: 'k1', principal: 'alice', attributes: {}, sha256 }
    let rows = [row]
    const none = (): never => {
      throw new Error('The gateway only reads')
    }
    const store: KeyStore = {
      find: (wanted) => rows.find((one) => one.sha256 === wanted),
      list: () => rows,
      get: none,
      insert: none,
      insertAll: none,
      update: none,
      remove: none,
      prune: none,
      close: () => undefined,
    }
    const config = await configForKeys({ place: store, name: 'keys.db' }, {})
    const authenticate = createAuthenticator(config)
    expect(await authenticate(get('/', 'k1'))).toMatchObject({ ok: true })
    rows = [{ ...row, revoked: true }]
    expect(await authenticate(get('/?x=1', 'k1'))).toMatchObject({ ok: true })
    expect(await authenticate(get('/other', 'k1'))).toMatchObject({ ok: false, reason: 'denied' })
    expect(revocationBounds(resolveConfig(config))).toEqual({ revokedKeyWorksForMs: 5000 })
  })
})

it('--keys env:NAME reads the variables of the command', async () => {
  const line = readCommandLine(['--keys=env:KEYS_URL'], GUARD_OPTIONS)
  const read = (env: Record<string, string>) =>
    readGuardConfig(line, { env }, {}, () => Promise.resolve({}))
  await expect(read({})).rejects.toThrow('--keys env:KEYS_URL: this variable is not set')
  await expect(read({ KEYS_URL: 'http://a.example' })).rejects.toThrow(
    '--keys env:KEYS_URL: this variable must hold a URL',
  )
})

it('a verifier that trusts proxies by their address gets that of the TCP peer', () => {
  const found = () => '192.0.2.7'
  const of = (proof: Parameters<typeof fromUpstream>[0]['proof']) =>
    addressFor(fromUpstream({ principalHeader: 'x-user', proof }), found)
  expect(addressFor({}, found)).toBe(found)
  expect(of({ network: true })).toBe(found)
  expect(of({ addresses: ['10.0.0.0/8'] })).toBe(peerAddressOf)
})

it('unknown keys take turns by the address of the client', async () => {
  const held: { readonly key: string; readonly deny: () => void }[] = []
  const hold = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { api_key: key } = (await json(request)) as { api_key: string }
    const deny = (): void => void response.writeHead(401).end()
    // Those that prove the endpoint.
    if (key.startsWith('random_')) return deny()
    held.push({ key, deny })
  }
  const endpoint = createServer((request, response) => void hold(request, response))
  const url = `http://127.0.0.1:${await listen(endpoint)}/`
  onTestFinished(() => close(endpoint))
  const ignore = (): void => undefined
  const concurrency = { maxInFlight: 1, maxWaiting: 3 }
  const guard = await startLiveGuard({
    line: readCommandLine([], GUARD_OPTIONS),
    surroundings: createSurroundings({ AUTH_ENDPOINT: url }),
    log: ignore,
    followKeys: ignore,
    onEvent: ignore,
    complete: (config) => ({ ...config, timeoutMs: 60_000, concurrency }),
    addressFor: () => (request) => request.headers.get('x-address') ?? undefined,
    passOn: async () => new Response(),
  })
  onTestFinished(guard.stop)
  const ask = async (key: string, address: string): Promise<Response> =>
    guard.guarded(get('/', key, { 'x-address': address }))
  const flood = '192.0.2.1'
  const asked = [ask('a1', flood), ask('a2', flood), ask('b', '192.0.2.2'), ask('a3', flood)]
  for (const [index, key] of ['a1', 'b', 'a3', 'a2'].entries()) {
    await expect.poll(() => held[index]?.key).toBe(key)
    held[index]?.deny()
  }
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([401, 401, 401, 401])
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

  it('overrides the header in the configuration', () => {
    const config = { requestIdHeader: 'x-other', timeoutMs: 900 }
    expect(add('X-Request-Id', config)).toEqual({ requestIdHeader: 'X-Request-Id', timeoutMs: 900 })
    expect(add(undefined, config)).toBe(config)
  })

  const NO_CREDENTIALS = 'holds no credentials'
  const NO_USE = 'has no other use'
  const NOT_STRIPPED = '--strip-header does not remove'
  it.each<[string, string, AuthConfig, string?]>([
    ['Authorization', NO_CREDENTIALS, {}],
    ['x-api-key', NO_CREDENTIALS, { credentials: { header: 'X-API-Key' } }],
    ['X_API_Key', NO_CREDENTIALS, { credentials: ['bearer', { header: 'x-api-key' }] }],
    ['two words', NO_CREDENTIALS, {}],
    ...words(`
      host Content-Length connection te expect Accept-Encoding content-type via
      x-forwarded-for X_Forwarded_For x-auth-principal x_auth-attributes
    `).map((name): [string, string, AuthConfig] => [name, NO_USE, {}]),
    ['x-user', NOT_STRIPPED, {}, 'X_User'],
    ['x-trace_id', NOT_STRIPPED, {}, 'X_Trace-*'],
  ])('rejects %s: it must be a name that %s', (header, rule, config, stripped = 'y') => {
    const more = ['--strip-header=x-other', `--strip-header=${stripped}`]
    expect(() => add(header, config, ...more)).toThrow(
      new UsageError(
        `--request-id-header must be the name of a header that ${rule}, received "${header}"`,
      ),
    )
    expect(() => add('y-id', config, ...more)).not.toThrow()
  })

  it('leaves other mistakes to their own error', () => {
    expect(() => add('x-request-id', { timeoutMs: 0 })).toThrow('"timeoutMs" must be')
  })
})
