/** The engine of a store: a primary with transactions and ordered messages. */
export interface Engine {
  /** Opens both connections, for commands and for messages, to the same primary. */
  readonly open: (options: LinkOptions) => Link
}

export interface LinkOptions {
  readonly channels: readonly string[]
  readonly onMessage: (message: string, channel: string) => void
  /** One of the connections broke. `cause` is a code. */
  readonly onClose: (cause: string) => void
}

/** Two connections to one run of one primary. Nothing reconnects: a new link takes its place. */
export interface Link {
  /**
   * The id of the run, once messages arrive. It changes whenever writes may have been lost. Rejects with {@link EngineError}
   * if the engine is not a primary, or cannot be used.
   */
  readonly ready: Promise<string>
  /** Reads all keys at one instant. Rejects unless the engine is the primary of the same run after that. */
  readonly read: (keys: readonly string[]) => Promise<readonly (Uint8Array | undefined)[]>
  readonly setIfAbsent: (key: string, value: Uint8Array) => Promise<void>
  readonly set: (key: string, value: Uint8Array, ttlMs: number) => Promise<void>
  /** Writes and publishes in one transaction. Rejects unless the engine is the primary of the same run. */
  readonly announce: (announcement: Announcement) => Promise<void>
  readonly close: () => void
}

export interface Announcement {
  readonly key: string
  readonly value: Uint8Array | string
  /** Without it the key stays. */
  readonly ttlMs?: number
  readonly channel: string
  readonly message: string
}

/** Why an engine cannot be used. Holds no URL and no secret. */
export class EngineError extends Error {
  /** A code, such as `ECONNREFUSED` or `replica`. */
  readonly reason: string

  constructor(reason: string) {
    super(`The store cannot be used: ${reason}`)
    this.name = 'EngineError'
    this.reason = reason
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof EngineError ? error.reason : 'internal_error'
}
