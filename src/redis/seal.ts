import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { isRecord } from '../core/endpoint/claim-path.ts'
import { parseIdentity } from '../core/endpoint/identity.ts'
import { parseJson } from '../core/endpoint/verdict.ts'
import type { KeyObject } from 'node:crypto'
import type { SharedAllow } from '../core/seams.ts'

/** The place of a sealed value. It opens at the same place only. */
export interface Place {
  /** The run of the primary: after lost writes nothing older opens. */
  readonly run: string
  /** Nonces that a revocation replaces: of all slots, and of one. */
  readonly fences: readonly [Uint8Array, Uint8Array]
  /** The question. */
  readonly name: Uint8Array
}

export interface Sealer {
  /** The name of a question. Without the secret it says nothing about the token or the rest. */
  readonly nameOf: (tokenId: Uint8Array, told: string) => Uint8Array
  readonly seal: (allow: SharedAllow, place: Place, wallNow: number) => Uint8Array
  /** Returns `undefined` for anything that was not sealed with this secret for this place. */
  readonly open: (sealed: Uint8Array, place: Place) => SharedAllow | undefined
}

const VERSION = 1
const DAY_MS = 86_400_000
const DAY_AT = 1
const IV_AT = 5
const BODY_AT = 17
const TAG_BYTES = 16
const MAX_KEYS = 8

/** Seals with AES-256-GCM. Each day has a key of its own, so that random nonces of 96 bits stay far from repeating. */
export function createSealer(secret: string): Sealer {
  // Node 24 takes five times as long with a key as bytes.
  const derive = (use: string): KeyObject =>
    createSecretKey(new Uint8Array(hkdfSync('sha256', secret, 'with-auth', use, 32)))
  const namesKey = derive('names')
  const valueKeys = new Map<number, KeyObject>()
  const keyOf = (day: number): KeyObject => {
    const known = valueKeys.get(day)
    if (known !== undefined) return known
    const key = derive(`values/${day}`)
    // The day of a value is whatever a writer put there.
    if (valueKeys.size >= MAX_KEYS) valueKeys.clear()
    valueKeys.set(day, key)
    return key
  }
  return {
    nameOf: (tokenId, told) => createHmac('sha256', namesKey).update(tokenId).update(told).digest(),
    seal: (allow, place, wallNow) => {
      const head = Buffer.alloc(BODY_AT)
      const day = Math.floor(wallNow / DAY_MS)
      head.writeUInt8(VERSION)
      head.writeUInt32BE(day, DAY_AT)
      randomBytes(BODY_AT - IV_AT).copy(head, IV_AT)
      const cipher = createCipheriv('aes-256-gcm', keyOf(day), head.subarray(IV_AT))
      cipher.setAAD(describe(place))
      const body = cipher.update(JSON.stringify(encode(allow)), 'utf8')
      return Buffer.concat([head, body, cipher.final(), cipher.getAuthTag()])
    },
    open: (given, place) => {
      const sealed = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
      if (sealed.length < BODY_AT + TAG_BYTES || sealed.readUInt8() !== VERSION) return undefined
      const key = keyOf(sealed.readUInt32BE(DAY_AT))
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(IV_AT, BODY_AT), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(describe(place))
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      try {
        const body = decipher.update(sealed.subarray(BODY_AT, -TAG_BYTES))
        decipher.final()
        return decode(parseJson(body.toString()))
      } catch {
        return undefined
      }
    },
  }
}

// The fences and the name have fixed lengths, so the end of the run is known too.
function describe({ run, fences, name }: Place): Uint8Array {
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(run), ...fences, name])
}

function encode({ auth, ...rest }: SharedAllow): object {
  return { ...rest, auth }
}

function decode(body: unknown): SharedAllow | undefined {
  if (!isRecord(body)) return undefined
  const { askedAt, ttlMs, mustRevalidate } = body
  if (typeof askedAt !== 'number' || typeof ttlMs !== 'number') return undefined
  const auth = parseIdentity(body['auth'], () => {
    throw new TypeError('The sealed identity is malformed')
  })
  return {
    auth,
    askedAt,
    ttlMs,
    ...(mustRevalidate === true ? { mustRevalidate } : {}),
  }
}
