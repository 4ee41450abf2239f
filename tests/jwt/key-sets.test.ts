import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import { nodeTransport } from '../../src/node.ts'
import { ask, generate, goodClaims, keyOf, sign, startIssuer } from '../support/issuer.ts'
import { usePassingTime } from '../support/passing-time.ts'
import type { ServerResponse } from 'node:http'
import type { Answer } from '../support/verifier-service.ts'
import type { SigningKey } from '../support/issuer.ts'

/** Answers of a key server that hold no usable keys, and keys that must not be used. */

const pass = usePassingTime()
let key: SigningKey

beforeAll(async () => {
  key = await keyOf('ES256', 'a')
})

const filler = (bytes: number): string => 'x'.repeat(bytes)
const setOf = (...keys: readonly unknown[]): { json: unknown } => ({ json: { keys } })
const many = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ ...key.jwk, kid: `k${index}` }))

// Long enough for a good answer on a busy machine.
const timeFor = (reason: string): object => (reason === 'timeout' ? { timeoutMs: 1000 } : {})

function drip(response: ServerResponse): undefined {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  void once(response, 'close').then(() => clearInterval(timer))
  return undefined
}

const BAD: readonly (readonly [what: string, reason: string, answer: Answer])[] = [
  [
    'a page',
    'invalid_response',
    () => ({ headers: { 'content-type': 'text/html' }, text: '<html>' }),
  ],
  ['nothing', 'invalid_response', () => ({ text: '' })],
  ['a list', 'invalid_response', () => ({ json: [] })],
  ['null', 'invalid_response', () => ({ json: null })],
  ['no keys', 'invalid_response', () => setOf()],
  [
    'keys for encryption',
    'invalid_response',
    () => setOf({ ...key.jwk, use: 'enc' }, { ...key.jwk, key_ops: ['encrypt'] }),
  ],
  ['keys that are an object', 'invalid_response', () => ({ json: { keys: { 0: key.jwk } } })],
  ['no object among its keys', 'invalid_response', () => setOf(null, 'key', [key.jwk])],
  ['1 MB', 'invalid_response', () => ({ json: { keys: [key.jwk], filler: filler(1_000_000) } })],
  [
    '1 MB that is packed',
    'invalid_response',
    (_call, response) => {
      const json = JSON.stringify({ keys: [key.jwk], filler: filler(1_000_000) })
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(json))
      return undefined
    },
  ],
  ['a good key behind 100 others', 'invalid_response', () => setOf(...many(100), key.jwk)],
  [
    '101 keys of which 100 are unusable',
    'invalid_response',
    () => setOf(key.jwk, ...Array.from({ length: 100 }, () => ({ kty: 'x' }))),
  ],
  ['a redirect', 'service_error', () => ({ status: 302, headers: { location: '/jwks' } })],
  ['a 204', 'service_error', () => ({ status: 204 })],
  ['a 404', 'service_error', () => ({ status: 404 })],
  ['a 429', 'rate_limited', () => ({ status: 429 })],
  ['a 500', 'service_error', () => ({ status: 500 })],
  ['no answer', 'timeout', () => undefined],
  ['a slow drip', 'timeout', (_call, response) => drip(response)],
  ['a cut connection', 'unreachable', (_call, response) => void response.destroy()],
  [
    'half a body',
    'unreachable',
    (_call, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"keys":')
      setTimeout(() => response.destroy(), 50)
      return undefined
    },
  ],
]

describe.each([
  ['fetch', {}],
  ['nodeTransport', { fetch: nodeTransport() }],
])('by %s', (_name, transport) => {
  it.each(BAD)('%s in place of keys is %s, and never replaces good ones', async (...row) => {
    const [, reason, answer] = row
    const { options, answerWith, calls, publish } = await startIssuer(key)
    const given = { ...options, ...transport, ...timeFor(reason) }
    answerWith(answer)
    await expect(ask(jwt(given), await sign(key))).rejects.toMatchObject({ reason })
    expect(calls).toHaveLength(1)
    publish(key)
    const verifier = jwt(given)
    await ask(verifier, await sign(key))
    answerWith(answer)
    pass(600_000)
    expect(await ask(verifier, await sign(key))).toMatchObject({ outcome: 'allow' })
    expect(calls).toHaveLength(3)
  })
})

it('100 keys, and a set of a quarter of a megabyte, are accepted, and not a byte more', async () => {
  const { options, answerWith } = await startIssuer(key)
  const small = JSON.stringify({ keys: [...many(99), key.jwk] })
  const text = small + ' '.repeat(262_144 - small.length)
  answerWith(() => ({ text }))
  expect(await ask(jwt(options), await sign(key))).toMatchObject({ outcome: 'allow' })
  answerWith(() => ({ text: `${text} ` }))
  const found = { reason: 'invalid_response' }
  await expect(ask(jwt(options), await sign(key))).rejects.toMatchObject(found)
})

describe('a key is ignored', () => {
  it.each<readonly [string, (jwk: SigningKey['jwk']) => unknown]>([
    ['that is symmetric', () => ({ kty: 'oct', k: 'c2VjcmV0', kid: 'a' })],
    ['of an unknown kind', (jwk) => ({ ...jwk, kty: 'AKP' })],
    ['for encryption', (jwk) => ({ ...jwk, use: 'enc' })],
    ['without the operation verify', (jwk) => ({ ...jwk, key_ops: ['encrypt'] })],
    ['with a text in place of a list of operations', (jwk) => ({ ...jwk, key_ops: 'verify' })],
    ['with its private part', (jwk) => ({ ...jwk, d: 'AAAA' })],
    ['for another algorithm', (jwk) => ({ ...jwk, alg: 'ES384' })],
  ])('%s', async (_what, change) => {
    const { options, answerWith } = await startIssuer(key)
    const other = await keyOf('ES256', 'b')
    answerWith(() => setOf(change(key.jwk), other.jwk))
    const verifier = jwt(options)
    expect(await ask(verifier, await sign(key))).toMatchObject({ detail: 'unknown_key' })
    expect(await ask(verifier, await sign(other))).toMatchObject({ outcome: 'allow' })
  })

  it.each([1024, 2047, 2048])('of RSA with %d bits, if that is below 2048', async (bits) => {
    const { jwk } = await generate('RS256', bits)
    const { options, answerWith } = await startIssuer(key)
    answerWith(() => setOf({ ...jwk, kid: 'rsa' }))
    const pending = ask(jwt(options), await sign(await keyOf('RS256', 'rsa')))
    const expected = expect.objectContaining(
      bits < 2048 ? { reason: 'invalid_response' } : { detail: 'signature' },
    )
    expect(await pending.catch((error: unknown) => error)).toEqual(expected)
  })

  const paddedWithZeros = (n: string): string =>
    Buffer.concat([Buffer.alloc(200), Buffer.from(n, 'base64url')]).toString('base64url')

  it.each<readonly [string, (n: string) => unknown]>([
    ['few bits that are padded with zeros', paddedWithZeros],
    ['only zeros', () => Buffer.alloc(256).toString('base64url')],
    ['a text that is not base64url', () => '!'.repeat(400)],
    ['a list', (n) => [n, n]],
  ])('of RSA that has in place of 2048 bits %s', async (_what, change) => {
    const { jwk } = await generate('RS256', 1024)
    const { options, answerWith } = await startIssuer(key)
    answerWith(() => setOf({ ...jwk, kid: 'rsa', n: change(String(jwk['n'])) }))
    const pending = ask(jwt(options), await sign(await keyOf('RS256', 'rsa')))
    await expect(pending).rejects.toMatchObject({ reason: 'invalid_response' })
  })
})

it('a key may say that it is for signatures', async () => {
  const { options, answerWith } = await startIssuer(key)
  answerWith(() => setOf({ ...key.jwk, alg: 'ES256', use: 'sig', key_ops: ['verify'] }))
  expect(await ask(jwt(options), await sign(key))).toMatchObject({ outcome: 'allow' })
})

describe('a warning', () => {
  const OTHER = 'tokens that it signs are rejected. Let the issuer sign with RS256 or ES256'

  async function warningsOf(answer: Answer, token: string): Promise<[string[], string]> {
    const { options, answerWith } = await startIssuer(key)
    answerWith(answer)
    const warnings: string[] = []
    const run = { warn: (message: string): void => void warnings.push(message) }
    await ask(jwt(options), token, run).catch(() => undefined)
    return [warnings, new URL(String(options.jwksUri)).host]
  }

  it('names a status that no waiting will change', async () => {
    const [warnings, host] = await warningsOf(() => ({ status: 404 }), await sign(key))
    expect(warnings).toEqual([`${host} answered 404: check "jwksUri"`])
    expect((await warningsOf(() => ({ status: 503 }), await sign(key)))[0]).toEqual([])
  })

  it('tells that two keys have one id, unless only one fits the algorithm', async () => {
    const twin = await keyOf('ES256', 'a', 'twin')
    const twins = (): { json: unknown } => setOf(key.jwk, twin.jwk)
    const [warnings, host] = await warningsOf(twins, await sign(key))
    expect(warnings).toEqual([
      `Several keys of ${host} have one "kid": tokens that name it are rejected`,
    ])
    const rsa = await keyOf('RS256', 'a', 'rsa')
    expect((await warningsOf(() => setOf(key.jwk, rsa.jwk), await sign(key)))[0]).toEqual([])
    const unnamed = await sign(key, goodClaims(), { kid: undefined })
    expect((await warningsOf(twins, unnamed))[0]).toEqual([])
  })

  it('tells that a key cannot be used', async () => {
    const broken = { ...key.jwk, x: 'AAAA' }
    const [warnings, host] = await warningsOf(() => setOf(broken), await sign(key))
    expect(warnings).toEqual([`This runtime cannot use a key of ${host} for ES256: ${OTHER}`])
  })

  it('tells that a key is on the curve Ed448, and fetches no other one for it', async () => {
    const { publicKey } = generateKeyPairSync('ed448')
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'EdDSA', use: 'sig' }
    const token = await sign(key, goodClaims(), { alg: 'EdDSA' })
    const [warnings, host] = await warningsOf(() => setOf(jwk, key.jwk), token)
    expect(warnings).toEqual([`This runtime cannot use a key of ${host} for EdDSA: ${OTHER}`])
    const other = { ...jwk, kid: 'b' }
    expect((await warningsOf(() => setOf(other), token))[0]).toEqual([])
    const elsewhere = { ...jwk, crv: 'X448' }
    expect((await warningsOf(() => setOf(elsewhere), token))[0]).toEqual([])
    expect((await warningsOf(() => setOf(jwk), await sign(key)))[0]).toEqual([])
    // Without a key id it may be meant for a key that comes with the next fetch.
    const unnamed = await sign(key, goodClaims(), { alg: 'EdDSA', kid: undefined })
    expect((await warningsOf(() => setOf({ ...jwk, kid: undefined }), unnamed))[0]).toEqual([])
  })
})
