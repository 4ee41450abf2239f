import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
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

type Bad = readonly [what: string, detail: string, token: () => string | Promise<string>]

/** A signature over a header and a payload by another way than the key's own. */
function hmacBy(secret: string | Buffer, alg: string, header: object = {}): string {
  const input = `${encode({ alg, kid: 'rsa', ...header })}.${encode(goodClaims())}`
  return `${input}.${encode(createHmac('sha256', secret).update(input).digest())}`
}

/** Good claims, but the name of the caller ends with a byte that is not UTF-8. */
function brokenText(): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(goodClaims({ sub: 'alice?' })))
  bytes[bytes.indexOf('?')] = 0xff
  return bytes
}

const FORMS: readonly Bad[] = [
  ['no JWT', 'malformed', () => 'sk-1234567890abcdef'],
  ['two parts', 'malformed', async () => (await sign(rsa)).replace(/\.[^.]*$/, '')],
  ['four parts', 'malformed', async () => `${await sign(rsa)}.e30`],
  [
    'five parts: a JWE, which may be a compressed bomb',
    'malformed',
    async () => `${await sign(rsa)}.e30.e30`,
  ],
  ['padding', 'malformed', async () => `${await sign(rsa)}=`],
  [
    'a blank that base64 decoders skip',
    'malformed',
    async () => (await sign(rsa)).replace('.', ' .'),
  ],
  ['the alphabet of plain base64', 'malformed', async () => `${await sign(rsa)}+/`],
  ['an empty header', 'malformed', async () => (await sign(rsa)).replace(/^[^.]*/, '')],
  ['a header of broken JSON', 'malformed', () => sign(rsa, {}, '{')],
  ['a header that is a list', 'malformed', () => sign(rsa, {}, '["RS256"]')],
  ['a header that is null', 'malformed', () => sign(rsa, {}, 'null')],
  [
    'a header of broken UTF-8',
    'malformed',
    () => `${encode(new Uint8Array([0x7b, 0xff, 0x7d]))}.e30.e30`,
  ],
  [
    'a byte order mark before the header',
    'malformed',
    () => sign(rsa, goodClaims(), '\uFEFF{"alg":"RS256","kid":"rsa"}'),
  ],
  ['a payload of broken JSON', 'malformed', () => sign(rsa, '{')],
  ['a payload of broken UTF-8', 'malformed', () => sign(rsa, brokenText())],
  ['a payload that is a list', 'malformed', () => sign(rsa, '[]')],
  ['a payload that is a text', 'malformed', () => sign(rsa, '"sub"')],
  ['a payload nested too deep for a parser', 'malformed', () => sign(rsa, '['.repeat(5000))],
]

const ALGORITHMS: readonly Bad[] = [
  [
    'none (CVE-2015-9235)',
    'algorithm',
    () => `${encode({ alg: 'none' })}.${encode(goodClaims())}.`,
  ],
  ['none with a signature', 'algorithm', () => sign(rsa, goodClaims(), { alg: 'none' })],
  ['nOnE', 'algorithm', () => sign(rsa, goodClaims(), { alg: 'nOnE' })],
  ['no alg', 'algorithm', () => sign(rsa, goodClaims(), { alg: undefined })],
  ['alg as a list', 'algorithm', () => sign(rsa, goodClaims(), { alg: ['RS256'] })],
  ['alg in lower case', 'algorithm', () => sign(rsa, goodClaims(), { alg: 'rs256' })],
  ['alg of Object.prototype', 'algorithm', () => sign(rsa, goodClaims(), { alg: 'constructor' })],
  [
    'HS256 with the public key as secret (CVE-2015-9235)',
    'algorithm',
    () => hmacBy(JSON.stringify(rsa.jwk), 'HS256'),
  ],
  [
    'HS256 with the modulus as secret',
    'algorithm',
    () => hmacBy(Buffer.from(String(rsa.jwk['n']), 'base64url'), 'HS256'),
  ],
  ['HS256 with an empty secret', 'algorithm', () => hmacBy('', 'HS256')],
  [
    'RS256 in the header, HMAC in truth (CVE-2022-29217)',
    'signature',
    () => hmacBy(JSON.stringify(rsa.jwk), 'RS256'),
  ],
  ['PS256 for a signature of RS256', 'signature', () => sign(rsa, goodClaims(), { alg: 'PS256' })],
  ['RS512 for a signature of RS256', 'signature', () => sign(rsa, goodClaims(), { alg: 'RS512' })],
  ['ES256 for a key of RSA', 'unknown_key', () => sign(rsa, goodClaims(), { alg: 'ES256' })],
  ['ES384 for a key of P-256', 'unknown_key', () => sign(ec, goodClaims(), { alg: 'ES384' })],
  [
    'Ed25519 for a signature of RS256',
    'unknown_key',
    () => sign(rsa, goodClaims(), { alg: 'Ed25519' }),
  ],
]

const HEADERS: readonly Bad[] = [
  [
    'a key in its header (CVE-2018-0114)',
    'signature',
    () => sign(foreign, goodClaims(), { jwk: foreign.jwk }),
  ],
  [
    'a URL of keys in its header',
    'signature',
    () => sign(foreign, goodClaims(), { jku: 'http://127.0.0.1:9/' }),
  ],
  [
    'a URL of certificates in its header',
    'signature',
    () => sign(foreign, goodClaims(), { x5u: 'http://127.0.0.1:9/' }),
  ],
  ['certificates in its header', 'signature', () => sign(foreign, goodClaims(), { x5c: ['MIIB'] })],
  [
    'an unknown critical extension (CVE-2026-35042)',
    'malformed',
    () => sign(rsa, goodClaims(), { crit: ['exp2'], exp2: 1 }),
  ],
  [
    'a critical extension that jose knows',
    'malformed',
    () => sign(rsa, goodClaims(), { crit: ['b64'], b64: true }),
  ],
  [
    'an empty list of critical extensions',
    'malformed',
    () => sign(rsa, goodClaims(), { crit: [] }),
  ],
  ['crit that is null', 'malformed', () => sign(rsa, goodClaims(), { crit: null })],
  [
    'b64: false without crit (RFC 7797 §6)',
    'malformed',
    () => sign(rsa, goodClaims(), { b64: false }),
  ],
  ['b64 as a text', 'malformed', () => sign(rsa, goodClaims(), { b64: 'false' })],
  ['b64 that is null', 'malformed', () => sign(rsa, goodClaims(), { b64: null })],
  ['kid as a number', 'malformed', () => sign(rsa, goodClaims(), { kid: 1 })],
  ['kid as a list', 'malformed', () => sign(rsa, goodClaims(), { kid: ['rsa'] })],
  ['kid that is null', 'malformed', () => sign(rsa, goodClaims(), { kid: null })],
  ['kid of 257 characters', 'malformed', () => sign(rsa, goodClaims(), { kid: 'k'.repeat(257) })],
  ['kid as a path', 'unknown_key', () => sign(rsa, goodClaims(), { kid: '../../dev/null' })],
  ['kid as SQL', 'unknown_key', () => sign(rsa, goodClaims(), { kid: "' or 1=1 --" })],
  ['kid of Object.prototype', 'unknown_key', () => sign(rsa, goodClaims(), { kid: '__proto__' })],
  ['the kid of another key', 'signature', () => sign(foreign)],
  ['a DPoP proof', 'type', () => sign(rsa, goodClaims(), { typ: 'dpop+jwt' })],
  ['a logout token', 'type', () => sign(rsa, goodClaims(), { typ: 'logout+jwt' })],
  [
    'an answer of introspection',
    'type',
    () => sign(rsa, goodClaims(), { typ: 'token-introspection+jwt' }),
  ],
  ['typ as a number', 'type', () => sign(rsa, goodClaims(), { typ: 1 })],
  ['typ that is null', 'type', () => sign(rsa, goodClaims(), { typ: null })],
  ['an empty typ', 'type', () => sign(rsa, goodClaims(), { typ: '' })],
]

const SIGNATURES: readonly Bad[] = [
  ['none', 'signature', async () => (await sign(rsa)).replace(/[^.]*$/, '')],
  [
    'a length that base64 cannot have',
    'malformed',
    async () => (await sign(rsa)).replace(/[^.]*$/, 'AAAAA'),
  ],
  [
    'zeros for ES256 (CVE-2022-21449)',
    'signature',
    async () => (await sign(ec)).replace(/[^.]*$/, encode(new Uint8Array(64))),
  ],
  [
    'a signature that is too short',
    'signature',
    async () => (await sign(ec)).replace(/[^.]*$/, 'AAAA'),
  ],
  [
    'a changed payload',
    'signature',
    async () => (await sign(rsa)).replace(/\.[^.]*/, `.${encode(goodClaims({ sub: 'root' }))}`),
  ],
  [
    'a changed header',
    'signature',
    async () => (await sign(rsa)).replace(/^[^.]*/, encode({ alg: 'RS256', kid: 'rsa' })),
  ],
]

const rows = (bad: readonly Bad[]) => bad.map(([what, detail, token]) => ({ what, detail, token }))

describe.each([
  ['form', FORMS],
  ['algorithm', ALGORITHMS],
  ['header', HEADERS],
  ['signature', SIGNATURES],
])('a bad %s', (_of, bad) => {
  it.each(rows(bad))('$what is denied as $detail', async ({ detail, token }) => {
    expect(await checked(await token())).toBe(detail)
  })
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
