import { randomBytes } from 'node:crypto'
import { EngineError, reasonOf } from './engine.ts'
import type { Link } from './engine.ts'
import type { Names } from './names.ts'
import type { Timing } from './timing.ts'

/** Ends the wait for an acknowledgement. Idempotent. */
type Settle = (error?: Error) => void

/** The revocations of a slot, or of all slots, that the engine has not acknowledged. */
interface Pending {
  readonly waiting: Set<Settle>
  /** Where the write under way was sent. It says nothing about revocations that came after it. */
  sentOn: Link | undefined
  cancelRetry: () => void
  cancelNotice: () => void
}

interface RevocationHooks {
  /** The link, if it is ready. */
  readonly link: () => Link | undefined
  /** A revocation could not be written, or not in time. */
  readonly onPending: (cause: string) => void
  readonly onEmpty: () => void
}

const FENCE_BYTES = 12
// One write for all is quicker than more of them, and heartbeats wait behind them.
const MAX_SLOTS = 1024

/** A nonce that never recurs. */
export function newFence(): Uint8Array {
  return randomBytes(FENCE_BYTES)
}

const nothing = (): void => undefined

/** Writes revocations, each until the engine has acknowledged it. Those of one slot share a write. */
export class Revocations {
  readonly #names: Names
  readonly #revocationMs: number
  readonly #timing: Timing
  readonly #hooks: RevocationHooks
  readonly #pending = new Map<string, Pending>()

  constructor(names: Names, revocationMs: number, timing: Timing, hooks: RevocationHooks) {
    this.#names = names
    this.#revocationMs = revocationMs
    this.#timing = timing
    this.#hooks = hooks
  }

  /** Whether a revocation of the slot, or of all, may not have reached the engine. */
  isPending(slot: string): boolean {
    return this.#pending.has(slot) || this.#pending.has('all')
  }

  /** Resolves when it is acknowledged. Rejects after `withinMs`, and keeps the process alive until then. */
  add(slot: string, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const isFull = this.#pending.size >= MAX_SLOTS && !this.#pending.has(slot)
      const written = isFull ? 'all' : slot
      const pending = this.#pending.get(written) ?? this.#create(written)
      const settle: Settle = (error) => {
        if (!pending.waiting.delete(settle)) return
        cancel()
        if (error === undefined) resolve()
        else reject(error)
        this.#forgetSettled(written, pending)
      }
      const expire = (): void => settle(new EngineError('revocation_unacknowledged'))
      const cancel = this.#timing.schedule(withinMs, expire, true)
      pending.waiting.add(settle)
      this.#send(written, pending)
    })
  }

  /** Tries all of them again, such as when a link is ready. */
  retry(): void {
    for (const [slot, pending] of this.#pending) this.#send(slot, pending)
  }

  rejectAll(): void {
    for (const { waiting } of this.#pending.values()) {
      for (const settle of waiting) settle(new EngineError('stopped'))
    }
  }

  #create(slot: string): Pending {
    const pending = {
      waiting: new Set<Settle>(),
      sentOn: undefined,
      cancelRetry: nothing,
      cancelNotice: nothing,
    }
    this.#pending.set(slot, pending)
    this.#watch(pending)
    return pending
  }

  /** Tells if nothing is acknowledged for a while. */
  #watch(pending: Pending): void {
    pending.cancelNotice()
    pending.cancelNotice = this.#timing.schedule(this.#revocationMs, () =>
      this.#hooks.onPending(this.#hooks.link() === undefined ? 'unreachable' : 'timeout'),
    )
  }

  /** Writes once for each link, and again after a failure: a slow engine must not get more to do. */
  #send(slot: string, pending: Pending): void {
    const link = this.#hooks.link()
    if (link === undefined || pending.sentOn === link || pending.waiting.size === 0) return
    pending.cancelRetry()
    pending.sentOn = link
    const sent = [...pending.waiting]
    const { key, message } = this.#names.fence(slot)
    link.announce({ key, value: newFence(), channel: this.#names.bus, message }).then(
      () => this.#onSettled(slot, pending, link, sent),
      (error: unknown) => this.#onSettled(slot, pending, link, [], reasonOf(error)),
    )
  }

  #onSettled(
    slot: string,
    pending: Pending,
    link: Link,
    written: readonly Settle[],
    failure?: string,
  ): void {
    for (const settle of written) settle()
    if (pending.sentOn !== link) return
    pending.sentOn = undefined
    this.#forgetSettled(slot, pending)
    if (pending.waiting.size === 0) return
    if (failure === undefined) {
      this.#watch(pending)
      return this.#send(slot, pending)
    }
    this.#hooks.onPending(failure)
    const retry = (): void => this.#send(slot, pending)
    pending.cancelRetry = this.#timing.schedule(this.#revocationMs / 4, retry)
  }

  #forgetSettled(slot: string, pending: Pending): void {
    if (pending.waiting.size > 0 || pending.sentOn !== undefined) return
    pending.cancelRetry()
    pending.cancelNotice()
    if (this.#pending.get(slot) === pending) this.#pending.delete(slot)
    if (this.#pending.size === 0) this.#hooks.onEmpty()
  }
}
