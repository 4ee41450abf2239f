import { kindOf } from '../../core/request/shown-facts.ts'
import { createUnreachable } from '../../core/error-code.ts'
import { orAborted, within } from '../../core/async.ts'
import { AuthUnavailableError } from '../../core/errors.ts'

const RENEWAL_MS = 60_000
// A question needs the rest of its time.
const WAIT_MS = 1000

/**
 * The token of this server's own service account. The kubelet replaces it long before it ends. A kept one is read again when it is
 * a minute old: audit logs mark one that is used for longer than an hour.
 */
export class OwnToken {
  readonly #read: () => unknown
  readonly #now: () => number
  #token: string | undefined
  #renewal: Promise<string> | undefined
  #renewedAt = -Infinity
  #triedAt = -Infinity

  constructor(read: () => unknown, now: () => number = () => performance.now()) {
    this.#read = read
    this.#now = now
  }

  /** A token that was read within the last minute, or else the older one that is kept, if reading another fails or takes long. */
  async get(signal: AbortSignal): Promise<string> {
    const kept = this.#token
    if (kept === undefined) return this.#readToken(signal)
    const isFresh = this.#now() - this.#triedAt < RENEWAL_MS
    if (isFresh && this.#renewal === undefined) return kept
    // A file that is away for a moment must not stop what works.
    const renewed = this.#renew(signal).catch(() => kept)
    return (await within(WAIT_MS, renewed)) ?? kept
  }

  /** A token in place of one that was rejected, or `undefined` if it has been renewed within the last minute. */
  async renew(rejected: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#token !== rejected) return this.get(signal)
    if (this.#renewal === undefined) {
      if (this.#now() - this.#renewedAt < RENEWAL_MS) return undefined
      this.#renewedAt = this.#now()
    }
    return this.#renew(signal)
  }

  async #renew(signal: AbortSignal): Promise<string> {
    if (this.#renewal !== undefined) return orAborted(this.#renewal, signal)
    // It ends with the first request, so that none waits for one that hangs.
    this.#renewal = this.#readToken(signal).finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #readToken(signal: AbortSignal): Promise<string> {
    this.#triedAt = this.#now()
    const pending = Promise.resolve().then(() => this.#read())
    const read = await orAborted(pending, signal).catch((error: unknown) => {
      if (!signal.aborted) throw createUnreachable(error, `"token" failed with ${kindOf(error)}`)
      throw new AuthUnavailableError('timeout', { explanation: '"token" gave nothing in time' })
    })
    // A file ends with a line break.
    const token = typeof read === 'string' ? read.trim() : ''
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new AuthUnavailableError('service_error', {
        cause: { code: 'NO_TOKEN' },
        explanation: '"token" gave no token of this server',
      })
    this.#token = token
    return token
  }
}
