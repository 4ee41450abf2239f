import { createHash } from 'node:crypto'

/** A slot as keys and messages name it: four hexadecimal digits, or `all`. */
type SlotName = string

export interface Names {
  /** The channel of revocations. */
  readonly bus: string
  readonly fence: (slot: SlotName) => { readonly key: string; readonly message: string }
  /** The key and the channel of an instance, for messages that come back to it. */
  readonly own: (instance: string) => { readonly key: string; readonly channel: string }
  readonly value: (name: string) => string
}

/** Names keys and channels. Keys belong to a database, and channels do not. */
export function createNames(prefix: string, database: number): Names {
  return {
    bus: database === 0 ? `${prefix}bus` : `${prefix}bus:${database}`,
    fence: (slot) => ({ key: `${prefix}f:${slot}`, message: slot === 'all' ? 'a' : `s${slot}` }),
    own: (instance) => ({ key: `${prefix}b:${instance}`, channel: `${prefix}bus:${instance}` }),
    value: (name) => `${prefix}v:${name}`,
  }
}

/** A message of the bus. Other messages are ignored, since an engine may be shared. */
type Message =
  | { readonly type: 'revoked'; readonly slot: number }
  | { readonly type: 'all_revoked' }
  | { readonly type: 'beat'; readonly count: number }

export function parseMessage(text: string): Message | undefined {
  if (text === 'a') return { type: 'all_revoked' }
  if (/^s[\da-f]{4}$/.test(text)) return { type: 'revoked', slot: parseInt(text.slice(1), 16) }
  return /^b\d{1,15}$/.test(text) ? { type: 'beat', count: Number(text.slice(1)) } : undefined
}

/** The SHA-256 of a token, which a database of keys has too. */
export function tokenIdOf(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}

/** The first 16 bits of the SHA-256 of a token's SHA-256, so that the engine learns nothing that a database of keys has. */
export function slotOf(tokenId: Uint8Array): number {
  const hash = createHash('sha256').update(tokenId).digest()
  return hash.readUInt16BE(0)
}

export function slotName(slot: number): SlotName {
  return slot.toString(16).padStart(4, '0')
}
