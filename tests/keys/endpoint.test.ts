import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createEndpointHandler } from '../../src/keys/endpoint.ts'
import { KeyFileError } from '../../src/keys/error.ts'
import { parseKeys } from '../../src/keys/file/document.ts'
import { createKeyring } from '../../src/keys/keyring.ts'
import { ask, entry, keysText, post } from '../support/key-questions.ts'
import { TOKEN } from '../support/token.ts'
import type { KeyEndpointParts } from '../../src/keys/endpoint.ts'

const NOW = Date.UTC(2026, 0, 1)
const SECRET = 's3cr3t-s3cr3t-s3'
const RING = createKeyring(
  parseKeys(
    keysText(
      entry(TOKEN, { attributes: { roles: ['admin'] } }),
      entry('ofAcme', { tenant: 'acme' }),
      entry('limited', { paths: ['/v1'] }),
      entry('ending', { expires: '2026-01-01T00:00:10.5Z' }),
      entry('ended', { expires: '2025-12-31' }),
      entry('revoked', { revoked: '2025-12-31' }),
    ),
    'f',
  ).keys,
)

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }))

function create(parts: Partial<KeyEndpointParts> = {}): (request: Request) => Promise<Response> {
  return createEndpointHandler({
    findKey: (sha256) => RING.get(sha256),
    maxAgeSeconds: 30,
    endpointSecret: undefined,
    notePassed: () => undefined,
    ...parts,
  })
}

const handle = create()

it.each([
  [TOKEN, '{"principal":"alice","attributes":{"roles":["admin"]}}', 'max-age=30'],
  ['ofAcme', '{"principal":"alice","attributes":{},"tenant":"acme"}', 'max-age=30'],
  ['ending', `{"principal":"alice","attributes":{},"exp":${NOW / 1000 + 10.5}}`, 'max-age=10'],
])('the valid key %s gets 200 with %s, and nothing else', async (key, body, lifetime) => {
  const response = await handle(ask(key))
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toEqual({
    'cache-control': lifetime,
    'content-type': 'application/json',
  })
  expect(await response.text()).toBe(body)
})

it.each([
  [TOKEN, 0, 30, 'max-age=30'],
  [TOKEN, 0, 3600, 'max-age=3600'],
  [TOKEN, 0, 0, 'no-store'],
  ['ending', 501, 30, 'max-age=9'],
  ['ending', 9500, 30, 'max-age=1'],
  ['ending', 9501, 30, 'no-store'],
  ['unknown', 0, 30, 'max-age=5'],
  ['unknown', 0, 2, 'max-age=2'],
  ['unknown', 0, 0, 'no-store'],
])('the key "%s" after %i ms, with maxAgeSeconds %i: %s', async (key, ms, maxAgeSeconds, value) => {
  vi.setSystemTime(NOW + ms)
  const response = await create({ maxAgeSeconds })(ask(key))
  expect(response.headers.get('cache-control')).toBe(value)
})

it('every other key gets the same bytes', async () => {
  const unknown = await textOf(handle(ask('unknown')))
  expect(unknown).toMatch(/^401 .*www-authenticate.*Bearer realm=.*This key is not valid here/)
  const others = [ask('ended'), ask('revoked'), ask('limited', '/v2'), ask('limited', '/v1x')]
  const more = [ask('limited', ''), ask('limited', '/v1/%2e%2e/v2'), ask('x'.repeat(60_000))]
  for (const request of [...others, ...more]) expect(await textOf(handle(request))).toBe(unknown)
})

it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s gets 405', async (method) => {
  const response = await handle(new Request('https://auth.example.test/', { method }))
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('POST')
  expect(await response.json()).toEqual({ error: { message: 'Send questions by POST' } })
  expect(response.headers.get('cache-control')).toBe('no-store')
})

it('an invalid question gets 400 or 413, and must not be cached', async () => {
  const responses = [await handle(post('{}')), await handle(post('x'.repeat(70_000)))]
  const facts = responses.map(({ status, headers }) => [status, headers.get('cache-control')])
  expect(facts).toEqual([
    [400, 'no-store'],
    [413, 'no-store'],
  ])
})

describe('with endpointSecret', () => {
  const guarded = create({ endpointSecret: SECRET })

  it('a request with the secret is answered', async () => {
    expect((await guarded(ask(TOKEN, '/', { 'x-auth-secret': SECRET }))).status).toBe(200)
    expect((await guarded(ask('bad', '/', { 'x-auth-secret': SECRET }))).status).toBe(401)
    expect((await handle(ask(TOKEN, '/', { 'x-auth-secret': SECRET }))).status).toBe(200)
  })

  it.each([
    undefined,
    '',
    SECRET.slice(1),
    `${SECRET}x`,
    SECRET.toUpperCase(),
    `${SECRET}, ${SECRET}`,
  ])('the secret %j gets 500, whatever the key, and the body is not read', async (sent) => {
    const headers = sent === undefined ? {} : { 'x-auth-secret': sent }
    const requests = [ask(TOKEN, '/', headers), ask('bad', '/', headers)]
    const [good, bad] = await Promise.all(requests.map((request) => textOf(guarded(request))))
    expect(good).toMatch(/^500 .*no-store/)
    expect(good).toContain(
      '{"error":{"message":"The header \\"x-auth-secret\\" is missing or wrong","code":"endpoint_secret"}}',
    )
    expect(bad).toBe(good)
    expect(requests.map(({ bodyUsed }) => bodyUsed)).toEqual([false, false])
  })

  it('only crypto.subtle.verify, which takes constant time, compares the secret', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify')
    verify.mockResolvedValueOnce(true)
    expect((await guarded(ask(TOKEN, '/', { 'x-auth-secret': 'wrong' }))).status).toBe(200)
    verify.mockResolvedValueOnce(false)
    expect((await guarded(ask(TOKEN, '/', { 'x-auth-secret': SECRET }))).status).toBe(500)
  })
})

it.each([
  ['a broken file', new KeyFileError('malformed', '/etc/keys.yaml:1:1: s3cr3t')],
  ['a bug', new TypeError('s3cr3t')],
])('%s gets 500 without details', async (_, error) => {
  const findKey = (): never => {
    throw error
  }
  const text = await textOf(create({ findKey })(ask(TOKEN)))
  expect(text).toMatch(/^500 .*no-store.*The keys cannot be read now/)
  expect(text).not.toMatch(/s3cr3t|keys\.yaml/)
})

it('a key that is revoked while its question arrives is denied', async () => {
  let ring = RING
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const pending = create({ findKey: (sha256) => ring.get(sha256) })(post(readable))
  const writer = writable.getWriter()
  const bytes = new Uint8Array(await ask(TOKEN).arrayBuffer())
  await writer.write(bytes.slice(0, 10))
  ring = createKeyring([])
  await writer.write(bytes.slice(10))
  await writer.close()
  expect((await pending).status).toBe(401)
})

describe('onEvent', () => {
  const told = async (...requests: readonly Request[]): Promise<readonly unknown[]> => {
    const onEvent = vi.fn()
    const handler = create({ onEvent, endpointSecret: undefined })
    for (const request of requests) await handler(request)
    return onEvent.mock.calls.map(([event]: unknown[]) => event)
  }
  const durationMs: unknown = expect.any(Number)

  it('gets the id of the key and the cause, which the client does not learn', async () => {
    const cut = 'withauth_cut'
    const asked = [ask(TOKEN), ask('revoked'), ask('ended'), ask('limited', '/v2'), ask(cut)]
    const denied = { type: 'answer', status: 401, durationMs, path: '/v1/models' }
    const principal = 'alice'
    expect(await told(...asked, ask('unknown'), post('{}'))).toStrictEqual([
      { ...denied, status: 200, keyId: TOKEN, principal },
      { ...denied, keyId: 'revoked', principal, detail: 'revoked' },
      { ...denied, keyId: 'ended', principal, detail: 'expired' },
      { ...denied, path: '/v2', keyId: 'limited', principal, detail: 'path' },
      { ...denied, detail: 'malformed' },
      { ...denied, detail: 'unknown' },
      { type: 'answer', status: 400, durationMs },
    ])
  })

  it('gets how long an answer took, and no path that holds the key', async () => {
    vi.spyOn(performance, 'now').mockReturnValueOnce(1000).mockReturnValueOnce(1005)
    const event = { type: 'answer', status: 401, durationMs: 5, path: '', detail: 'unknown' }
    expect(await told(ask('s3cret-k3y', '/v1/s3cret-k3y'))).toEqual([event])
  })

  it('gets the path while the keys cannot be read', async () => {
    const onEvent = vi.fn()
    const findKey = (): never => {
      throw new TypeError('no')
    }
    await create({ onEvent, findKey })(ask(TOKEN))
    const event = { type: 'answer', status: 500, durationMs, path: '/v1/models' }
    expect(onEvent.mock.lastCall).toEqual([event])
  })

  it('gets the cause of an answer to a question without the secret', async () => {
    const onEvent = vi.fn()
    await create({ onEvent, endpointSecret: SECRET })(post('{}'))
    const event = { type: 'answer', status: 500, durationMs, cause: 'endpoint_secret' }
    expect(onEvent.mock.lastCall).toEqual([event])
  })

  it('cannot change the answer, by an error or a rejection', async () => {
    const failing = [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]
    for (const onEvent of failing) {
      expect((await create({ onEvent })(ask('revoked'))).status).toBe(401)
    }
  })
})

it('an invalid question does not read the keys', async () => {
  const findKey = vi.fn((sha256: string) => RING.get(sha256))
  const handler = create({ findKey })
  await handler(post('{}'))
  expect(findKey).not.toHaveBeenCalled()
  await handler(ask(TOKEN))
  expect(findKey).toHaveBeenCalledOnce()
})

async function textOf(pending: Promise<Response>): Promise<string> {
  const response = await pending
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
}
