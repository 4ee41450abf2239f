import { createEngine } from '../../src/redis/client.ts'
import type { RedisClient } from '../../src/redis.ts'
import type { Engine } from '../../src/redis/engine.ts'
import type { Timing } from '../../src/redis/timing.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

type Command = readonly (string | Buffer)[]

/**
 * An engine that is as slow, broken or empty as a test says. The user gives the client, so it can give any answer. It keeps values,
 * without their ends, but not those of transactions.
 */
export class FakeEngine {
  readonly values = new Map<string, unknown>()
  /** Each read, write and message so far. */
  sent: Command[] = []
  run = 'a'.repeat(40)
  isReadOnly = false
  /** Refuses transactions that write such keys. */
  refused: string | undefined
  /** The method of a client that breaks the newest link at once. */
  breaksAt: 'destroy' | 'multi' | undefined
  /** Whether no message arrives. */
  isSilent = false
  /** The answers to the next connections, reads and transactions, in place of good ones. */
  readonly connects: (() => Promise<unknown>)[] = []
  readonly reads: (() => Promise<unknown>)[] = []
  readonly transactions: (() => Promise<unknown>)[] = []
  /** How many links were opened. Each has two clients. */
  opened = 0
  #listener: (message: string, channel: string) => void = () => undefined
  #fail: (error: unknown) => void = () => undefined

  readonly client = (): RedisClient => {
    this.opened += 0.5
    return {
      connect: async () => this.connects.shift()?.(),
      subscribe: async (_channels, listener) => {
        this.#listener = listener
      },
      on: (_event, fail) => void (this.#fail = fail),
      unref: () => undefined,
      destroy: () => this.#breakAt('destroy'),
      sendCommand: async ([name = '', ...args]) => this.#answer(String(name), args),
      multi: () => {
        this.#breakAt('multi')
        return this.#begin()
      },
    }
  }

  open(): Engine {
    return createEngine({ url: 'redis://127.0.0.1', tls: undefined, client: this.client })
  }

  /** The arguments of all commands of this name whose first key begins with `start`. */
  sentBy(name: 'MGET' | 'SET' | 'PUBLISH', start = ''): Command[] {
    const found = this.sent.filter(([command, key]) => command === name && isBelow(key, start))
    return found.map(([, ...args]) => args)
  }

  deliver(message: string, channel: string): void {
    this.#listener(message, channel)
  }

  /** Breaks the newest link by its connection for messages. */
  fail(error: unknown): void {
    this.#fail(error)
  }

  #breakAt(method: 'destroy' | 'multi'): void {
    if (this.breaksAt === method) this.fail(new Error('gone'))
  }

  #info(): string {
    return `role:master\r\nmaster_replid:${this.run}`
  }

  #answer(name: string, args: Command): unknown {
    const [key, value] = args
    if (name === 'INFO') return key === 'cluster' ? 'cluster_enabled:0' : this.#info()
    this.sent.push([name, ...args])
    if (name === 'MGET') {
      return (this.reads.shift() ?? (() => args.map((each) => this.values.get(String(each)))))()
    }
    if (!this.isReadOnly) this.values.set(String(key), value)
    return 'OK'
  }

  #begin(): ReturnType<RedisClient['multi']> {
    const messages: [string, string][] = []
    let key = ''
    const chain = {
      addCommand: ([name = '', ...args]: (string | Buffer)[]) => {
        if (name !== 'INFO') this.sent.push([name, ...args])
        if (name === 'SET') key = String(args[0])
        if (name === 'PUBLISH') messages.push([String(args[1]), String(args[0])])
        return chain
      },
      exec: async () => {
        const answer = this.transactions.shift()
        if (answer !== undefined) return answer()
        if (this.refused !== undefined && isBelow(key, this.refused))
          throw new Error('OOM no memory')
        if (!this.isSilent) for (const message of messages) this.deliver(...message)
        return ['OK', 1, this.#info()]
      },
    }
    return chain
  }
}

const isBelow = (key: string | Buffer | undefined, start: string): boolean =>
  String(key).startsWith(start)

/** The clocks and timers of a store, by a clock that a test moves. */
export function timingOf(clock: VirtualClock, random = 0): Timing {
  return {
    now: clock.now,
    wallNow: clock.wallNow,
    random: () => random,
    schedule: (ms, run) => {
      const id = clock.after(ms, run)
      return () => clock.cancel(id)
    },
  }
}

/** A promise, and the functions that settle it. */
export function openPromise(): {
  readonly promise: Promise<unknown>
  readonly resolve: (value?: unknown) => void
  readonly reject: (error: unknown) => void
} {
  let resolve: (value?: unknown) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<unknown>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}
