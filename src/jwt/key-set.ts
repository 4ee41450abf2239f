import { decode } from 'jose/base64url'
import { JWKSMultipleMatchingKeys, JWKSNoMatchingKey } from 'jose/errors'
import { createLocalJWKSet } from 'jose/jwks/local'
import { isRecord, readName } from '../core/endpoint/claim-path.ts'

import type { TokenHeader } from './token-header.ts'

/** A key, or why there is none: no key fits, several do, or the runtime cannot use the one that does. */
export type FoundKey = CryptoKey | 'unknown' | 'ambiguous' | 'unusable'

/** Public keys of an issuer that signatures can be verified with. */
export class KeySet {
  readonly #keys: readonly object[]
  readonly #choose: ReturnType<typeof createLocalJWKSet>
  /** By algorithm and key id. Only keys of the set get in, so tokens with made-up ids do not fill it. */
  readonly #imported = new Map<string, CryptoKey>()

  constructor(keys: readonly object[]) {
    this.#keys = keys
    this.#choose = createLocalJWKSet({ keys: [...keys] })
  }

  /** The key for a token, if a token with the same header has used it before. */
  imported(header: TokenHeader): CryptoKey | undefined {
    return this.#imported.get(nameOf(header))
  }

  async find(header: TokenHeader): Promise<FoundKey> {
    try {
      const { alg, kid } = header
      const key = await this.#choose(kid === undefined ? { alg } : { alg, kid })
      this.#imported.set(nameOf(header), key)
      return key
    } catch (error) {
      if (error instanceof JWKSNoMatchingKey) return this.#isEd448(header) ? 'unusable' : 'unknown'
      return error instanceof JWKSMultipleMatchingKeys ? 'ambiguous' : 'unusable'
    }
  }

  /** Whether the key of a token is one that no algorithm here is for: RFC 8037 §3.1 has two curves for EdDSA. */
  #isEd448({ alg, kid }: TokenHeader): boolean {
    if (alg !== 'EdDSA' || kid === undefined) return false
    return this.#keys.some(
      (key) => readName(key, 'kid') === kid && readName(key, 'crv') === 'Ed448',
    )
  }
}

const MAX_KEYS = 100

/** The usable keys of a JSON Web Key Set (RFC 7517 §5), or `undefined` without any, with over 100 entries, or for anything else. */
export function parseKeySet(value: unknown): KeySet | undefined {
  const keys = readName(value, 'keys')
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return undefined
  const usable = usableKeys(keys)
  return usable.length === 0 ? undefined : new KeySet(usable)
}

/** The keys among these that signatures can be checked with. */
export function usableKeys(keys: readonly unknown[]): readonly object[] {
  return keys.filter((key) => isPublicKey(key) && isForSignatures(key)) as readonly object[]
}

/** Why a value cannot be used as a key set. */
export function faultOf(value: unknown): string {
  const keys = readName(value, 'keys')
  if (!Array.isArray(keys)) return 'no list "keys"'
  if (keys.length === 0) return 'an empty list "keys"'
  if (keys.length > MAX_KEYS) return `more than ${MAX_KEYS} keys`
  return 'no public key for signatures, or only RSA keys below 2048 bits'
}

const KINDS: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP'])
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a value is a public key. A private or a symmetric one that is published can sign tokens for anybody. */
export function isPublicKey(key: unknown): key is object {
  return isRecord(key) && KINDS.has(key['kty']) && !PRIVATE.some((part) => part in key)
}

function isForSignatures(key: object): boolean {
  const [use, operations, kty] = ['use', 'key_ops', 'kty'].map((name) => readName(key, name))
  if (use !== undefined && use !== 'sig') return false
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return false
  }
  return kty !== 'RSA' || bitsOf(readName(key, 'n')) >= MIN_RSA_BITS
}

// RFC 7518 §3.3
const MIN_RSA_BITS = 2048

function bitsOf(modulus: unknown): number {
  if (typeof modulus !== 'string') return 0
  try {
    const bytes = decode(modulus)
    const first = bytes.findIndex((byte) => byte !== 0)
    const top = bytes[first]
    return top === undefined ? 0 : 8 * (bytes.length - first) - (Math.clz32(top) - 24)
  } catch {
    return 0
  }
}

// The name of an algorithm has no colon, so a name with a key id never equals a name without one.
function nameOf({ alg, kid }: TokenHeader): string {
  return kid === undefined ? alg : `${alg}:${kid}`
}
