import { reasonOf } from './engine.ts'
import { parseMessage } from './names.ts'
import type { Engine, Link } from './engine.ts'
import type { Instant, Lease } from './lease.ts'
import type { Names } from './names.ts'
import type { Timing } from './timing.ts'

interface ConnectionHooks {
  /** Messages arrive, and a first one of our own has come back. */
  readonly onLive: () => void
  readonly onLost: (cause: string) => void
  /** Commands can be sent. */
  readonly onReady: () => void
}

/** A message to ourselves. It proves something once it was executed and has come back. */
interface Beat {
  readonly sentAt: Instant
  isExecuted: boolean
  isBack: boolean
}

const MIN_CONNECT_MS = 2000
const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 500

/** Keeps a link to the engine, and renews the lease by messages that it sends to itself. */
export class Connection {
  readonly #engine: Engine
  readonly #names: Names
  readonly #own: ReturnType<Names['own']>
  readonly #lease: Lease
  readonly #revocationMs: number
  readonly #timing: Timing
  readonly #hooks: ConnectionHooks
  readonly #beats = new Map<number, Beat>()
  #count = 0
  #isClosed = false
  #lastBackAt = 0
  #backoffMs = MIN_BACKOFF_MS
  #link: Link | undefined
  #run: string | undefined
  #cancel: () => void = () => undefined

  constructor(
    engine: Engine,
    options: {
      readonly names: Names
      readonly instance: string
      readonly lease: Lease
      readonly revocationMs: number
    },
    timing: Timing,
    hooks: ConnectionHooks,
  ) {
    this.#engine = engine
    this.#names = options.names
    this.#own = options.names.own(options.instance)
    this.#lease = options.lease
    this.#revocationMs = options.revocationMs
    this.#timing = timing
    this.#hooks = hooks
  }

  /** The link and the run of its primary, if it is ready. */
  current(): { readonly link: Link; readonly run: string } | undefined {
    return this.#link === undefined || this.#run === undefined
      ? undefined
      : { link: this.#link, run: this.#run }
  }

  open(): void {
    try {
      const link = this.#engine.open({
        channels: [this.#names.bus, this.#own.channel],
        onMessage: (message, channel) => this.#receive(link, message, channel),
        onClose: (cause) => this.#drop(link, cause),
      })
      this.#follow(link)
    } catch {
      // An error of the option `client` may hold the URL.
      this.#drop(undefined, 'internal_error')
    }
  }

  #follow(link: Link): void {
    this.#link = link
    const timeoutMs = Math.max(MIN_CONNECT_MS, 3 * this.#revocationMs)
    this.#cancel = this.#timing.schedule(timeoutMs, () => this.#drop(link, 'timeout'))
    link.ready.then(
      (run) => this.#start(link, run),
      (error: unknown) => this.#drop(link, reasonOf(error)),
    )
  }

  close(): void {
    this.#isClosed = true
    this.#release()
  }

  #release(): void {
    this.#cancel()
    const link = this.#link
    this.#link = undefined
    this.#run = undefined
    // A client may report an error while it is destroyed.
    link?.close()
  }

  #start(link: Link, run: string): void {
    if (this.#link !== link) return
    this.#cancel()
    this.#run = run
    this.#backoffMs = MIN_BACKOFF_MS
    this.#lease.restart()
    this.#lastBackAt = this.#timing.now()
    this.#beat(link)
    this.#hooks.onReady()
  }

  /** Throws both connections away: on a half-open one TCP would wait for minutes. */
  #drop(link: Link | undefined, cause: string): void {
    if (this.#isClosed || this.#link !== link) return
    this.#release()
    this.#beats.clear()
    this.#hooks.onLost(cause)
    // An observer may stop the store.
    if (this.#isClosed) return
    const jitteredMs = this.#backoffMs * (1 + this.#timing.random())
    this.#cancel = this.#timing.schedule(jitteredMs, () => this.open())
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, 2 * this.#backoffMs)
  }

  #beat(link: Link): void {
    const sentAt = { now: this.#timing.now(), wallNow: this.#timing.wallNow() }
    const silentMs = sentAt.now - this.#lastBackAt
    if (silentMs > 3 * this.#revocationMs) return this.#drop(link, 'timeout')
    if (silentMs > this.#revocationMs) this.#hooks.onLost('timeout')
    // The observer may have stopped the store, or have used a link that broke.
    if (this.#link !== link) return
    this.#count += 1
    const count = this.#count
    this.#beats.set(count, { sentAt, isExecuted: false, isBack: false })
    this.#cancel = this.#timing.schedule(this.#revocationMs / 4, () => this.#beat(link))
    const ttlMs = 4 * this.#revocationMs
    link.announce({ ...this.#own, value: '', ttlMs, message: `b${count}` }).then(
      () => this.#prove(link, count, 'isExecuted'),
      // The engine became a replica, or the right to write is missing. The message does not come back.
      (error: unknown) => this.#drop(link, reasonOf(error)),
    )
  }

  #receive(link: Link, text: string, channel: string): void {
    const message = parseMessage(text)
    const isOwn = channel === this.#own.channel
    // The rights of a user may be for one of the channels only.
    if (message === undefined || (message.type === 'beat') !== isOwn) return
    const wallNow = this.#timing.wallNow()
    if (message.type === 'revoked') this.#lease.age(message.slot, wallNow)
    else if (message.type === 'all_revoked') this.#lease.ageAll(wallNow)
    else this.#prove(link, message.count, 'isBack')
  }

  #prove(link: Link, count: number, part: 'isExecuted' | 'isBack'): void {
    const beat = this.#link === link ? this.#beats.get(count) : undefined
    if (beat === undefined) return
    beat[part] = true
    if (!beat.isExecuted || !beat.isBack) return
    // Beats come back in order, so what is older comes no more.
    for (const older of this.#beats.keys()) if (older <= count) this.#beats.delete(older)
    this.#lastBackAt = this.#timing.now()
    this.#lease.prove(beat.sentAt)
    if (this.#lease.holds({ now: this.#lastBackAt, wallNow: this.#timing.wallNow() })) {
      this.#hooks.onLive()
    }
  }
}
