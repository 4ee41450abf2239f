import { AuthUnavailableError } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { startService } from './verifier-service.ts'
import type { Verdict, DefinedVerifier } from '../../src/index.ts'
import type { JwtOptions } from '../../src/jwt.ts'
import type { VerifierRun } from '../../src/core/verifier.ts'

/** Tokens and keys of an issuer, made by WebCrypto alone. */

export const ISSUER = 'https://login.example.com/'
export const AUDIENCE = 'https://api.example.com'

export interface SigningKey {
  readonly alg: string
  readonly kid: string | undefined
  readonly sign: (input: string) => Promise<Uint8Array>
  /** Its entry in a key set. */
  readonly jwk: Readonly<Record<string, unknown>>
}

type Parameters = EcKeyGenParams & RsaHashedKeyGenParams & EcdsaParams & RsaPssParams

const CURVES: Readonly<Record<string, string>> = { 256: 'P-256', 384: 'P-384', 512: 'P-521' }

function parametersOf(alg: string, modulusLength: number): Parameters {
  const bits = alg.slice(2)
  const shared = { hash: `SHA-${bits}`, publicExponent: new Uint8Array([1, 0, 1]), modulusLength }
  const name = { RS: 'RSASSA-PKCS1-v1_5', PS: 'RSA-PSS', ES: 'ECDSA' }[alg.slice(0, 2)] ?? 'Ed25519'
  const saltLength = Number(bits) / 8
  return { ...shared, name, saltLength, namedCurve: CURVES[bits] ?? '' }
}

/** A new key pair, as JWKs. */
export async function generate(alg: string, modulusLength = 2048) {
  const parameters = parametersOf(alg, modulusLength)
  const pair = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
  if (!('publicKey' in pair)) throw new TypeError(`${alg} has no pair of keys`)
  const [publicJwk, privateJwk] = await Promise.all(
    [pair.publicKey, pair.privateKey].map((key) => crypto.subtle.exportKey('jwk', key)),
  )
  const { key_ops: _ops, ext: _ext, alg: _alg, ...jwk } = publicJwk ?? {}
  return { pair, parameters, jwk: { ...jwk } as Record<string, unknown>, privateJwk }
}

const pairs = new Map<string, ReturnType<typeof generate>>()

/** The key of a name. It is the same for each test, since making one takes long. */
export async function keyOf(alg: string, kid?: string, name = kid): Promise<SigningKey> {
  const id = `${alg} ${name}`
  const made = pairs.get(id) ?? generate(alg)
  pairs.set(id, made)
  const { pair, parameters, jwk } = await made
  return {
    alg,
    kid,
    jwk: { ...jwk, ...(kid === undefined ? {} : { kid }) },
    sign: async (input) =>
      new Uint8Array(
        await crypto.subtle.sign(parameters, pair.privateKey, new TextEncoder().encode(input)),
      ),
  }
}

export function encode(part: unknown): string {
  const bytes =
    part instanceof Uint8Array ? part : typeof part === 'string' ? part : JSON.stringify(part)
  return Buffer.from(bytes).toString('base64url')
}

/** Claims of a good token. */
export function goodClaims(more: object = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: now, exp: now + 600, ...more }
}

/** A token. `payload` and `header` may be texts or bytes, which are taken as they are. `undefined` removes a member. */
export async function sign(
  key: SigningKey,
  payload: object | string | Uint8Array = goodClaims(),
  header: object | string = {},
): Promise<string> {
  const { alg, kid } = key
  const whole = typeof header === 'string' ? header : { alg, kid, typ: 'JWT', ...header }
  const input = `${encode(whole)}.${encode(payload)}`
  return `${input}.${encode(await key.sign(input))}`
}

/** Starts the key server of an issuer until the end of the test. It publishes these keys until others are set. */
export async function startIssuer(...keys: readonly SigningKey[]) {
  const jwks = (published: readonly SigningKey[]): object => ({
    keys: published.map(({ jwk }) => jwk),
  })
  const service = await startService(() => ({ json: jwks(keys) }))
  const jwksUri = `http://127.0.0.1:${service.port}/jwks`
  const options: JwtOptions = { issuer: ISSUER, audience: AUDIENCE, jwksUri }
  return {
    ...service,
    jwksUri,
    options,
    publish: (...published: readonly SigningKey[]) =>
      service.answerWith(() => ({ json: jwks(published) })),
    fail: (status = 503) => service.answerWith(() => ({ status })),
  }
}

/** The answer of a verifier about a token. */
export async function ask(
  verifier: DefinedVerifier,
  token: string,
  run?: VerifierRun,
): Promise<Verdict> {
  const question = { token, request: { path: '', headers: {}, params: {} } }
  return verifier.ask(question, new AbortController().signal, run)
}

/** `allow`, or why a verifier denies a token. */
export async function detailOf(
  verifier: DefinedVerifier,
  token: string,
): Promise<string | undefined> {
  const verdict = await ask(verifier, token)
  return verdict.outcome === 'deny' ? verdict.detail : verdict.outcome
}

/** As `detailOf`, or the reason why there is no verdict, with the detail and the status that came. */
export async function outcomeOf(verifier: DefinedVerifier, token: string): Promise<unknown> {
  try {
    return await detailOf(verifier, token)
  } catch (error) {
    if (!(error instanceof AuthUnavailableError)) throw error
    return [error.reason, error.detail, error.status].filter(Boolean).join(' ')
  }
}

/** An issuer with one key, a verifier of its tokens, and a good token. `next` is a key that is not published yet. */
export async function startVerifier(given: Partial<JwtOptions> = {}, claims: object = {}) {
  const [key, next] = [await keyOf('ES256', 'a'), await keyOf('ES256', 'b')]
  const issuer = await startIssuer(key)
  const verifier = jwt({ ...issuer.options, ...given })
  return { ...issuer, key, next, verifier, token: await sign(key, goodClaims(claims)) }
}
