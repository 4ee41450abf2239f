import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import {
  ask,
  AUDIENCE,
  detailOf,
  encode,
  generate,
  goodClaims,
  ISSUER,
  keyOf,
  sign,
} from '../support/issuer.ts'
import type { SigningKey } from '../support/issuer.ts'
import type { JwtOptions } from '../../src/jwt.ts'
import type { DefinedVerifier } from '../../src/index.ts'

/** Tokens that some library has accepted, by RFC 7515, RFC 8725 and advisories: each is denied for its own reason. */

let rsa: SigningKey
let ec: SigningKey
let ed: SigningKey
let foreign: SigningKey

beforeAll(async () => {
  rsa = await keyOf('RS256', 'rsa')
  ec = await keyOf('ES256', 'ec')
  ed = await keyOf('EdDSA', 'ed')
  foreign = await keyOf('RS256', 'rsa', 'the key of an attacker')
})

function verifierOf(more: Partial<JwtOptions> = {}): DefinedVerifier {
  const keys = { keys: [rsa.jwk, ec.jwk, ed.jwk] }
  return jwt({ issuer: ISSUER, audience: AUDIENCE, keys, ...more })
}

const checked = (token: string, more?: Partial<JwtOptions>): Promise<string | undefined> =>
  detailOf(verifierOf(more), token)

it('a good token of each kind of key is allowed', async () => {
  for (const key of [rsa, ec, ed]) expect(await checked(await sign(key))).toBe('allow')
})

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** All texts that decoders read as the bytes of this part: they differ in bits that base64url does not use. */
function spellingsOf(part: string): readonly string[] {
  const bytes = Buffer.from(part, 'base64url')
  const texts = ALPHABET.split('').map((last) => part.slice(0, -1) + last)
  return texts.filter((text) => Buffer.from(text, 'base64url').equals(bytes))
}

it('a token has one spelling, so that it has one cached decision', async () => {
  for (const key of [rsa, ec, ed]) {
    const token = await sign(key)
    const signature = token.slice(token.lastIndexOf('.') + 1)
    const tokens = spellingsOf(signature).map((other) => token.replace(signature, other))
    expect(tokens).toHaveLength(16)
    for (const other of tokens) {
      expect(await checked(other)).toBe(other === token ? 'allow' : 'malformed')
    }
  }
})

it.each([
  ['header', 1],
  ['header', 2],
  ['payload', 1],
  ['payload', 2],
] as const)(
  'a %s with unused bits is malformed, signed or not: %i bytes over',
  async (part, over) => {
    const pad = (json: string): string => encode(json.padEnd(Math.ceil(json.length / 3) * 3 + over))
    const parts: Record<'header' | 'payload', string> = {
      header: pad('{"alg":"RS256","kid":"rsa"}'),
      payload: pad(JSON.stringify(goodClaims())),
    }
    const spellings = spellingsOf(parts[part])
    expect(spellings).toHaveLength(over === 1 ? 16 : 4)
    for (const spelling of spellings) {
      const spelled = { ...parts, [part]: spelling }
      const input = `${spelled.header}.${spelled.payload}`
      const detail = spelling === parts[part] ? 'allow' : 'malformed'
      expect(await checked(`${input}.${encode(await rsa.sign(input))}`)).toBe(detail)
    }
  },
)

/** Changes of a good token. None of them has the form of a token. */
const FORMS: readonly (readonly [what: string, token: (good: string) => string])[] = [
  ['no JWT', () => 'sk-1234567890abcdef'],
  ['two parts', (good) => good.replace(/\.[^.]*$/, '')],
  ['four parts', (good) => `${good}.e30`],
  ['five parts: a JWE, which may be a compressed bomb', (good) => `${good}.e30.e30`],
  ['padding', (good) => `${good}=`],
  ['a blank that base64 decoders skip', (good) => good.replace('.', ' .')],
  ['the alphabet of plain base64', (good) => `${good}+/`],
  ['an empty header', (good) => good.replace(/^[^.]*/, '')],
  ['a header of broken UTF-8', () => `${encode(new Uint8Array([0x7b, 0xff, 0x7d]))}.e30.e30`],
  ['a signature of an impossible length', (good) => good.replace(/[^.]*$/, 'AAAAA')],
]

it.each(FORMS)('%s is malformed', async (_what, token) => {
  expect(await checked(token(await sign(rsa)))).toBe('malformed')
})

/** Good claims, but the name of the caller ends with a byte that is not UTF-8. */
function brokenText(): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(goodClaims({ sub: 'alice?' })))
  bytes[bytes.indexOf('?')] = 0xff
  return bytes
}

const PARTS: readonly (readonly [what: string, payload: object | string, header?: string])[] = [
  ['a header of broken JSON', {}, '{'],
  ['a header that is a list', {}, '["RS256"]'],
  ['a header that is null', {}, 'null'],
  ['a byte order mark before the header', goodClaims(), '\uFEFF{"alg":"RS256","kid":"rsa"}'],
  ['a payload of broken JSON', '{'],
  ['a payload of broken UTF-8', brokenText()],
  ['a payload that is a list', '[]'],
  ['a payload that is a text', '"sub"'],
  ['a payload nested too deep for a parser', '['.repeat(5000)],
]

it.each(PARTS)('%s is malformed, though it is signed', async (_what, payload, header) => {
  expect(await checked(await sign(rsa, payload, header))).toBe('malformed')
})

/** Members of the header of a token that is good otherwise, and signed with them. */
const HEADERS: readonly (readonly [what: string, header: object, detail: string])[] = [
  ['none with a signature', { alg: 'none' }, 'algorithm'],
  ['nOnE', { alg: 'nOnE' }, 'algorithm'],
  ['no alg', { alg: undefined }, 'algorithm'],
  ['alg as a list', { alg: ['RS256'] }, 'algorithm'],
  ['alg in lower case', { alg: 'rs256' }, 'algorithm'],
  ['alg of Object.prototype', { alg: 'constructor' }, 'algorithm'],
  ['PS256 for a signature of RS256', { alg: 'PS256' }, 'signature'],
  ['RS512 for a signature of RS256', { alg: 'RS512' }, 'signature'],
  ['ES256 for a key of RSA', { alg: 'ES256' }, 'unknown_key'],
  ['Ed25519 for a signature of RS256', { alg: 'Ed25519' }, 'unknown_key'],
  ['an unknown extension (CVE-2026-35042)', { crit: ['exp2'], exp2: 1 }, 'malformed'],
  ['a critical extension that jose knows', { crit: ['b64'], b64: true }, 'malformed'],
  ['an empty list of critical extensions', { crit: [] }, 'malformed'],
  ['crit that is null', { crit: null }, 'malformed'],
  ['b64: false without crit (RFC 7797 §6)', { b64: false }, 'malformed'],
  ['b64 as a text', { b64: 'false' }, 'malformed'],
  ['b64 that is null', { b64: null }, 'malformed'],
  ['kid as a number', { kid: 1 }, 'malformed'],
  ['kid as a list', { kid: ['rsa'] }, 'malformed'],
  ['kid that is null', { kid: null }, 'malformed'],
  ['kid of 257 characters', { kid: 'k'.repeat(257) }, 'malformed'],
  ['kid of 256 characters', { kid: 'k'.repeat(256) }, 'unknown_key'],
  ['kid as a path', { kid: '../../dev/null' }, 'unknown_key'],
  ['kid as SQL', { kid: "' or 1=1 --" }, 'unknown_key'],
  ['kid of Object.prototype', { kid: '__proto__' }, 'unknown_key'],
  ['a DPoP proof', { typ: 'dpop+jwt' }, 'type'],
  ['a logout token', { typ: 'logout+jwt' }, 'type'],
  ['an answer of introspection', { typ: 'token-introspection+jwt' }, 'type'],
  ['a good typ with "application/" behind it', { typ: 'JWTapplication/' }, 'type'],
  ['typ as a number', { typ: 1 }, 'type'],
  ['typ that is null', { typ: null }, 'type'],
  ['an empty typ', { typ: '' }, 'type'],
]

it.each(HEADERS)('a header with %s is denied: %j, %s', async (_what, header, detail) => {
  expect(await checked(await sign(rsa, goodClaims(), header))).toBe(detail)
})

it.each([
  ['its key (CVE-2018-0114)', (jwk: object) => ({ jwk })],
  ['a URL of keys', () => ({ jku: 'http://127.0.0.1:9/' })],
  ['a URL of certificates', () => ({ x5u: 'http://127.0.0.1:9/' })],
  ['certificates', () => ({ x5c: ['MIIB'] })],
  ['the id of a good key', () => ({})],
])(
  'an attacker who signs with a key of his own is denied, with %s in the header',
  async (_what, header) => {
    const token = await sign(foreign, goodClaims(), header(foreign.jwk))
    expect(await checked(token)).toBe('signature')
  },
)

/** A token whose signature is an HMAC with a known secret. */
function hmacBy(secret: string | Buffer, alg: string): string {
  const input = `${encode({ alg, kid: 'rsa' })}.${encode(goodClaims())}`
  return `${input}.${encode(createHmac('sha256', secret).update(input).digest())}`
}

it('a known secret signs no token (CVE-2015-9235, CVE-2022-29217)', async () => {
  const key = JSON.stringify(rsa.jwk)
  const modulus = Buffer.from(String(rsa.jwk['n']), 'base64url')
  for (const secret of [key, modulus, '']) {
    expect(await checked(hmacBy(secret, 'HS256'))).toBe('algorithm')
  }
  expect(await checked(hmacBy(key, 'RS256'))).toBe('signature')
  const unsigned = `${encode({ alg: 'none' })}.${encode(goodClaims())}.`
  expect(await checked(unsigned)).toBe('algorithm')
})

it('ES384 for a key of P-256 is denied', async () => {
  expect(await checked(await sign(ec, goodClaims(), { alg: 'ES384' }))).toBe('unknown_key')
})

const SIGNATURE = /[^.]*$/
it.each<[string, (ofRsa: string, ofEc: string) => string]>([
  ['none', (token) => token.replace(SIGNATURE, '')],
  ['zeros for ES256 (CVE-2022-21449)', (_, token) => token.replace(SIGNATURE, 'A'.repeat(86))],
  ['one that is too short', (_, token) => token.replace(SIGNATURE, 'AAAA')],
  [
    'that of another payload',
    (token) => token.replace(/\.[^.]*/, `.${encode(goodClaims({ sub: 'root' }))}`),
  ],
  [
    'that of another header',
    (token) => token.replace(/^[^.]*/, encode({ alg: 'RS256', kid: 'rsa' })),
  ],
])('a signature that is %s is denied', async (_what, change) => {
  expect(await checked(change(await sign(rsa), await sign(ec)))).toBe('signature')
})

describe('without a key id', () => {
  const unnamed = (key: SigningKey): object => ({ ...key.jwk, kid: undefined })

  it('the only key that fits the algorithm is used, named or not', async () => {
    const token = await sign(rsa, goodClaims(), { kid: undefined })
    expect(await checked(token)).toBe('allow')
    expect(await checked(token, { keys: { keys: [unnamed(rsa), ec.jwk] } })).toBe('allow')
  })

  it('a token is denied if several keys fit', async () => {
    const token = await sign(rsa, goodClaims(), { kid: undefined })
    expect(await checked(token, { keys: { keys: [rsa.jwk, foreign.jwk] } })).toBe('unknown_key')
  })
})

it('denials are cached, but for those that end by themselves', async () => {
  const elsewhere = await ask(verifierOf(), await sign(rsa, goodClaims({ aud: 'x' })))
  expect(elsewhere).toMatchObject({ outcome: 'deny', detail: 'audience' })
  expect(elsewhere).not.toHaveProperty('maxAgeMs')
  const unknown = await sign(rsa, goodClaims(), { kid: 'new' })
  const early = await sign(rsa, goodClaims({ nbf: Date.now() / 1000 + 60 }))
  for (const token of [unknown, early])
    expect(await ask(verifierOf(), token)).toMatchObject({ maxAgeMs: 0 })
})

it('a key of 1,024 bits is not used', async () => {
  const { jwk } = await generate('RS256', 1024)
  const keys = { keys: [{ ...jwk, kid: 'rsa' }, ec.jwk] }
  expect(await checked(await sign(rsa), { keys })).toBe('unknown_key')
})

it('the headers of 32 good tokens are remembered, so that each is parsed once, and no more are', async () => {
  const verifier = verifierOf()
  const tokens = await Promise.all(
    Array.from({ length: 33 }, (_, index) => sign(rsa, goodClaims(), { index })),
  )
  const parse = vi.spyOn(JSON, 'parse')
  /** How many headers are parsed here. jose parses each header too, and the payloads are parsed here. */
  async function headersParsed(...some: readonly string[]): Promise<number> {
    const before = parse.mock.calls.length
    for (const token of some) expect(await detailOf(verifier, token)).toBe('allow')
    return parse.mock.calls.length - before - 2 * some.length
  }
  const [first = '', ...others] = tokens.slice(0, 32)
  const last = tokens.slice(32)
  expect(await headersParsed(first, ...others)).toBe(32)
  expect(await headersParsed(first, ...others)).toBe(0)
  expect(await headersParsed(...last)).toBe(1)
  expect(await headersParsed(...last)).toBe(0)
  expect(await headersParsed(first)).toBe(1)
})
