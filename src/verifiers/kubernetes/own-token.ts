import { kindOf } from '../../core/redaction.ts'
import { createUnreachable } from '../../core/endpoint/send.ts'
import { orAborted, within } from '../../core/async.ts'
import { AuthUnavailableError } from '../../core/errors.ts'

const RENEWAL_MS = 60_000
const RETRY_MS = 5000
// A question needs the rest of its time.
const WAIT_MS = 1000
// On Workers a read never ends if the request ends that began it.
const LONGEST_READ_MS = 10_000

interface Renewal {
  readonly startedAt: number
  readonly token: Promise<string>
}

/**
 * The token of this server's own service account. The kubelet replaces it long before it ends. A kept one is read again when it is
 * a minute old: audit logs mark one that is used for longer than an hour. All requests wait for one read.
 */
export class OwnToken {
  readonly #read: () => unknown
  readonly #now: () => number
  #token: string | undefined
  #renewal: Renewal | undefined
  #renewedAt = -Infinity
  #dueAt = 0

  constructor(read: () => unknown, now: () => number = () => performance.now()) {
    this.#read = read
    this.#now = now
  }

  /** A token that was read within the last minute, or else the older one that is kept, if reading another fails or takes long. */
  async get(signal: AbortSignal): Promise<string> {
    const kept = this.#token
    if (kept === undefined) return this.#waitFor(this.#renew(), signal)
    if (this.#now() < this.#dueAt && this.#renewal === undefined) return kept
    // A file that is away for a moment must not stop what works.
    const renewed = this.#renew().catch(() => undefined)
    return (await within(WAIT_MS, renewed)) ?? kept
  }

  /** A token in place of one that was rejected, or `undefined` if it has been renewed within the last minute. */
  async renew(rejected: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#token !== rejected) return this.get(signal)
    if (this.#renewal === undefined) {
      if (this.#now() - this.#renewedAt < RENEWAL_MS) return undefined
      this.#renewedAt = this.#now()
    }
    return this.#waitFor(this.#renew(), signal)
  }

  async #waitFor(token: Promise<string>, signal: AbortSignal): Promise<string> {
    return orAborted(token, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
      throw new AuthUnavailableError('timeout', { explanation: '"token" gave nothing in time' })
    })
  }

  /** Joins a read, or begins one. It belongs to no request: the one that began it may end before the others. */
  #renew(): Promise<string> {
    const startedAt = this.#now()
    const running = this.#renewal
    if (running && startedAt - running.startedAt < LONGEST_READ_MS) return running.token
    const renewal = { startedAt, token: this.#readToken() }
    this.#renewal = renewal
    const end = (dueInMs: number, token = this.#token): void => {
      if (this.#renewal !== renewal) return
      this.#renewal = undefined
      this.#dueAt = startedAt + dueInMs
      this.#token = token
    }
    renewal.token.then(
      (token) => end(RENEWAL_MS, token),
      () => end(RETRY_MS),
    )
    return renewal.token
  }

  async #readToken(): Promise<string> {
    // A later turn, so that what is thrown at once is a rejection too.
    const pending = Promise.resolve().then(() => this.#read())
    const read = await pending.catch((error: unknown) => {
      throw createUnreachable(error, `"token" failed with ${kindOf(error)}`)
    })
    // A file ends with a line break.
    const token = typeof read === 'string' ? read.trim() : ''
    if (/^[\x21-\x7e]+$/.test(token)) return token
    throw new AuthUnavailableError('service_error', {
      cause: { code: 'NO_TOKEN' },
      explanation: '"token" gave no token of this server',
    })
  }
}
