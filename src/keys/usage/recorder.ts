import { ignore, within } from '../../core/async.ts'
import { system } from '../../files/system.ts'
import { formatTimestamp, roundDown } from '../times.ts'
import { addUp, DAY_MS, dayOf } from './use.ts'
import type { Awaitable } from '../database/store.ts'
import type { KeyUse } from './use.ts'

export type WriteUses = (uses: readonly KeyUse[]) => Awaitable<unknown>

const MINUTE_MS = 60_000
// The first check shows soon in a list of keys.
const FIRST_MS = 1000
/** Without the right to write, counting is off for so long. */
const OFF_MS = 3_600_000
const WRITE_MS = 5000
// A failure that took longer may be a late success, and its checks would be counted twice.
const CERTAIN_MS = 900
const MAX_KEYS = 50_000
const NO_RIGHT =
  /\b(?:EACCES|EPERM|EROFS|NotCapable|no such table|readonly database|lacks a right|has no table)\b/

/**
 * Counts the checks that keys pass, and writes them at most once a minute, for all keys at once. A check only adds to a number. A
 * write that fails is tried again with the next one. Only keys that exist are counted, and at most 50,000 until the next write.
 */
export class UseRecorder {
  readonly #write: WriteUses
  readonly #counts = new Map<string, { checks: number; last: number }>()
  /** Counts of days that are over, and those that could not be written. */
  #kept: readonly KeyUse[] = []
  #dayBegins = 0
  #writtenAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #told: string | undefined
  /** Gets each new problem once. The latest user of the keys is told. */
  tell: (message: string) => unknown = () => undefined

  constructor(write: WriteUses) {
    this.#write = write
  }

  count(id: string, now: number): void {
    if (now < this.#dayBegins || now >= this.#dayBegins + DAY_MS) this.#beginDay(now)
    const found = this.#counts.get(id)
    if (found !== undefined) {
      found.checks += 1
      found.last = now
    } else if (this.#counts.size < MAX_KEYS) {
      this.#counts.set(id, { checks: 1, last: now })
    }
    if (this.#timer === undefined) this.#schedule(FIRST_MS)
  }

  /** Writes what was counted. Never rejects. */
  flush(): Promise<void> {
    const written = this.#flush()
    WRITING.add(written)
    return written.finally(() => WRITING.delete(written))
  }

  async #flush(): Promise<void> {
    UNWRITTEN.delete(this)
    if (this.#timer !== undefined) timers().clearTimeout(this.#timer)
    this.#timer = undefined
    const uses = this.#take()
    if (uses.length === 0) return
    const startedAt = performance.now()
    this.#writtenAt = startedAt
    try {
      const written = (async () => ({ done: await this.#write(uses) }))()
      if ((await within(WRITE_MS, written)) === undefined)
        throw new TypeError('the store did not answer in time')
      this.#told = undefined
    } catch (error) {
      const isCertain = performance.now() - startedAt < CERTAIN_MS
      if (isCertain) this.#kept = addUp([...this.#kept, ...uses]).slice(-MAX_KEYS)
      this.#fail(error)
    }
  }

  #beginDay(now: number): void {
    this.#kept = this.#take()
    this.#dayBegins = Math.floor(now / DAY_MS) * DAY_MS
  }

  #take(): readonly KeyUse[] {
    const day = dayOf(this.#dayBegins)
    const counted = Array.from(this.#counts, ([id, { checks, last }]) => ({
      id,
      day,
      checks,
      lastUsed: formatTimestamp(roundDown(last)),
    }))
    const uses = this.#kept.length === 0 ? counted : addUp([...this.#kept, ...counted])
    this.#counts.clear()
    this.#kept = []
    return uses
  }

  #schedule(leastMs: number): void {
    rememberUntilWritten(this)
    const waitMs = Math.max(leastMs, this.#writtenAt + MINUTE_MS - performance.now())
    // The process may end before: then its end writes.
    this.#timer = timers()
      .setTimeout(() => void this.flush(), waitMs)
      .unref()
  }

  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : 'unknown'
    const isOff = NO_RIGHT.test(reason)
    if (this.#timer === undefined) this.#schedule(isOff ? OFF_MS : MINUTE_MS)
    if (this.#told === reason) return
    this.#told = reason
    const what = isOff ? 'checks of keys are not counted' : 'checks of keys cannot be written now'
    // A handler of warnings that throws must not end the process.
    ignore(new Promise((resolve) => resolve(this.tell(`${what}: ${reason}`))))
  }
}

// The global timers of Deno would keep the process alive.
export function timers(): Pick<typeof globalThis, 'setTimeout' | 'clearTimeout'> {
  return system().getBuiltinModule('node:timers')
}

const UNWRITTEN = new Set<UseRecorder>()
const WRITING = new Set<Promise<void>>()
let isListening = false

/** Writes what all recorders of this process have counted. */
export async function writeUses(): Promise<void> {
  for (const recorder of UNWRITTEN) void recorder.flush()
  await Promise.all(WRITING)
}

function rememberUntilWritten(recorder: UseRecorder): void {
  UNWRITTEN.add(recorder)
  if (isListening) return
  isListening = true
  const host = system().getBuiltinModule('node:process')
  // The first also waits for a database.
  host.once('beforeExit', () => void writeUses())
  host.once('exit', () => void writeUses())
}
