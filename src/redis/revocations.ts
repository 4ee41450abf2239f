import { randomBytes } from 'node:crypto'
import { EngineError, reasonOf } from './engine.ts'
import { settleWithin } from './timing.ts'
import type { Link } from './engine.ts'
import type { Names } from './names.ts'
import type { Timing } from './timing.ts'

interface Waiter {
  /** Idempotent. */
  readonly settle: (error?: Error) => void
  isSettled: boolean
}

/** The revocations of a slot, or of all slots, that the engine has not acknowledged. */
interface Pending {
  /** They came after the write under way began, which therefore says nothing about them. */
  waiting: Waiter[]
  isSending: boolean
}

export interface RevocationHooks {
  /** The link, if it is ready. */
  readonly link: () => Link | undefined
  /** A revocation could not be written at once. */
  readonly onPending: (cause: string) => void
  readonly onEmpty: () => void
}

const FENCE_BYTES = 12

/** A nonce that never recurs. */
export function newFence(): Uint8Array {
  return randomBytes(FENCE_BYTES)
}

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
      const pending = this.#pending.get(slot) ?? { waiting: [], isSending: false }
      const settle = (error?: Error): void => {
        if (waiter.isSettled) return
        waiter.isSettled = true
        cancel()
        if (error === undefined) resolve()
        else reject(error)
        this.#forgetSettled(slot, pending)
      }
      const waiter: Waiter = { settle, isSettled: false }
      const expire = (): void => settle(new EngineError('revocation_unacknowledged'))
      const cancel = this.#timing.schedule(withinMs, expire, true)
      pending.waiting.push(waiter)
      this.#pending.set(slot, pending)
      void this.#send(slot, pending)
    })
  }

  /** Tries all of them again, such as when a link is ready. */
  retry(): void {
    for (const [slot, pending] of this.#pending) void this.#send(slot, pending)
  }

  rejectAll(): void {
    for (const { waiting } of this.#pending.values()) {
      for (const waiter of waiting) waiter.settle(new EngineError('stopped'))
    }
  }

  async #send(slot: string, pending: Pending): Promise<void> {
    if (pending.isSending || pending.waiting.length === 0) return
    const link = this.#hooks.link()
    if (link === undefined) return this.#hooks.onPending('unreachable')
    pending.isSending = true
    const failure = await this.#write(slot, link, [...pending.waiting])
    pending.isSending = false
    this.#forgetSettled(slot, pending)
    if (failure === undefined) return this.#send(slot, pending)
    if (pending.waiting.length === 0) return
    this.#hooks.onPending(failure)
    this.#timing.schedule(this.#revocationMs / 4, () => void this.#send(slot, pending))
  }

  /** Returns why the write was not acknowledged in time. */
  async #write(slot: string, link: Link, sent: readonly Waiter[]): Promise<string | undefined> {
    const { key, message } = this.#names.fence(slot)
    const announced = link
      .announce({ key, value: newFence(), channel: this.#names.bus, message })
      // Also if it comes after its time: it was executed after they were asked for.
      .then(() => sent.forEach(({ settle }) => settle()))
    try {
      await settleWithin(this.#timing, this.#revocationMs, announced)
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  }

  #forgetSettled(slot: string, pending: Pending): void {
    pending.waiting = pending.waiting.filter(({ isSettled }) => !isSettled)
    if (pending.waiting.length > 0 || pending.isSending) return
    if (this.#pending.get(slot) === pending) this.#pending.delete(slot)
    if (this.#pending.size === 0) this.#hooks.onEmpty()
  }
}
