import { invalidSecret } from '../../core/config/option-checks.ts'
import type { OptionPath } from '../../core/config/problems.ts'

/** The headers in which the gateway sends an identity, and its signature. */
export const GATEWAY_HEADERS = {
  principal: 'x-auth-principal',
  tenant: 'x-auth-tenant',
  attributes: 'x-auth-attributes',
  scopes: 'x-auth-scopes',
  client: 'x-auth-client',
  signature: 'x-auth-signature',
} as const

/**
 * How a principal, a tenant, scopes and a client ID are written into a header: percent-encoded, or in UTF-8 as they are. The
 * version of a signature says which, and is signed: `a%20b` means `a b` in the first encoding, and itself in the second.
 */
export type NameEncoding = 'percent' | 'utf-8'

/** The signed facts about a request: the text of each value as it is sent, or `''` if it is missing. */
export interface Statement {
  readonly method: string
  /** The path as it is sent, without the query. */
  readonly path: string
  readonly principal: string
  readonly tenant: string
  readonly attributes: string
  readonly scopes: string
  readonly client: string
}

export interface SignatureOptions {
  /** A signature by any of them is good. */
  readonly secrets: readonly string[]
  readonly maxAgeSeconds: number
}

/** A good signature. */
export interface Signature {
  /** The time at which it ends, in milliseconds since 1970. */
  readonly endsAt: number
  readonly encoding: NameEncoding
}

/** Returns `undefined` if a signature is not good. */
export type CheckSignature = (
  header: string | undefined,
  statement: Statement,
) => Promise<Signature | undefined>

const VERSIONS: Readonly<Record<NameEncoding, string>> = { percent: '1', 'utf-8': '2' }
const HMAC = { name: 'HMAC', hash: 'SHA-256' }
const HEADER = /^t=([1-9]\d{0,14}),v([12])=([\da-f]{64})$/
/** How far the clock of the gateway may be ahead. */
const MAX_AHEAD_MS = 5_000

const encoder = new TextEncoder()

/** A secret that two servers share. */
export const PROXY_SECRET: RegExp = /^[\x21-\x7e]{16,1024}$/

/** Parses a secret, or a list of them. */
export function parseSecrets(value: unknown, path: OptionPath): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > 0 && list.every(isSecret)) return Object.freeze([...list])
  throw invalidSecret(path, '16 to 1024 visible ASCII characters, or a list of such secrets')
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && PROXY_SECRET.test(value)
}

/** Makes a function that returns the value of `X-Auth-Signature` for a statement, signed now. */
export function createSigner(
  secret: string,
  now: () => number = Date.now,
  encoding: NameEncoding = 'percent',
): (statement: Statement) => Promise<string> {
  const keyOf = createKeySource(secret)
  const version = VERSIONS[encoding]
  return async (statement) => {
    const seconds = String(Math.floor(now() / 1000))
    const mac = await crypto.subtle.sign('HMAC', await keyOf(), encode(version, seconds, statement))
    return `t=${seconds},v${version}=${toHex(new Uint8Array(mac))}`
  }
}

/** Makes a function that checks a signature, in a time that does not depend on how much of it is right. */
export function createSignatureCheck(
  { secrets, maxAgeSeconds }: SignatureOptions,
  now: () => number = Date.now,
): CheckSignature {
  const keySources = secrets.map(createKeySource)
  return async (header = '', statement) => {
    const [, seconds, version, mac] = HEADER.exec(header) ?? []
    if (seconds === undefined || version === undefined || mac === undefined) return undefined
    const signedAt = Number(seconds) * 1000
    const endsAt = signedAt + maxAgeSeconds * 1000
    const time = now()
    if (time < signedAt - MAX_AHEAD_MS || time >= endsAt) return undefined
    const keys = await Promise.all(keySources.map((keyOf) => keyOf()))
    const signed = encode(version, seconds, statement)
    const results = await Promise.all(
      keys.map((key) => crypto.subtle.verify('HMAC', key, fromHex(mac), signed)),
    )
    if (!results.includes(true)) return undefined
    return { endsAt, encoding: version === VERSIONS['utf-8'] ? 'utf-8' : 'percent' }
  }
}

/** Each value has its length before it, so that "xy" + "z" and "x" + "yz" differ. */
function encode(
  version: string,
  seconds: string,
  { method, path, principal, tenant, attributes, scopes, client }: Statement,
): Uint8Array<ArrayBuffer> {
  const values = [seconds, method, path, principal, tenant, attributes, scopes, client]
  const fields = values.map((value) => `${encoder.encode(value).byteLength}:${value}`)
  return encoder.encode([version, ...fields].join('\n'))
}

// Imported at the first use: Workers allow no crypto while they start. The key is kept and not its promise, which another
// request could wait for in vain there.
function createKeySource(secret: string): () => Promise<CryptoKey> {
  let key: CryptoKey | undefined
  return async () => {
    key ??= await crypto.subtle.importKey('raw', encoder.encode(secret), HMAC, false, [
      'sign',
      'verify',
    ])
    return key
  }
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const pairs = hex.match(/../g) ?? []
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
}
