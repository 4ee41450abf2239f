import { EngineError } from '../../../src/redis/engine.ts'
import type { Announcement, Engine, Link, LinkOptions } from '../../../src/redis/engine.ts'
import type { Dice, Process, World } from './world.ts'

/** A primary and its replica, and connections that break in every way. Implements what `src/redis` needs of an engine. */

interface Stored {
  readonly value: Uint8Array
  readonly endsAt: number
}

class Server {
  run: string
  isPrimary: boolean
  pausedUntil = 0
  fullUntil = 0
  /** Writes of an older replication stream are dropped. */
  stream = 0
  data = new Map<string, Stored>()
  readonly connections = new Set<Connection>()

  constructor(run: string, isPrimary: boolean) {
    this.run = run
    this.isPrimary = isPrimary
  }

  get(key: string, now: number): Uint8Array | undefined {
    const stored = this.data.get(key)
    return stored !== undefined && now < stored.endsAt ? stored.value : undefined
  }
}

export class Servers {
  readonly #world: World
  readonly #dice: Dice
  #runs = 0
  #maxLagMs: number
  primary: Server
  replica: Server
  /** Where new connections lead to. A name may still lead to the former primary. */
  address: Server

  constructor(world: World, dice: Dice) {
    this.#world = world
    this.#dice = dice
    this.#maxLagMs = dice.isHit(0.5) ? 5 : 500
    this.primary = new Server(this.#newRun(), true)
    this.replica = new Server(this.primary.run, false)
    this.address = this.primary
  }

  engineFor(process: Process): Engine {
    return { open: (options) => new SimulatedLink(this, process, options, this.#world, this.#dice) }
  }

  /** Also on a replica that accepts writes by mistake. */
  write(server: Server, key: string, value: Uint8Array, ttlMs = Infinity): void {
    const stored = { value, endsAt: this.#world.time + ttlMs }
    server.data.set(key, stored)
    this.#replicate(server, (replica) => replica.data.set(key, stored))
  }

  publish(server: Server, channel: string, message: string): void {
    server.connections.forEach((connection) => connection.push(channel, message))
    this.#replicate(server, (replica) =>
      replica.connections.forEach((connection) => connection.push(channel, message)),
    )
  }

  #replicate(server: Server, apply: (replica: Server) => void): void {
    if (server !== this.primary) return
    const { replica } = this
    const { stream } = replica
    this.#world.at(this.#world.time + this.#dice.between(0, this.#maxLagMs), () => {
      if (replica.stream === stream) apply(replica)
    })
  }

  /** The replica takes over, without what had not reached it. The former primary dies, or becomes a replica. */
  failOver(keepsConnections: boolean): void {
    const [former, next] = [this.primary, this.replica]
    former.isPrimary = false
    former.stream += 1
    next.stream += 1
    next.isPrimary = true
    next.run = this.#newRun()
    this.primary = next
    this.replica = former
    if (!keepsConnections) this.#reset(former)
    const followAt = this.#world.time + this.#dice.between(0, this.#dice.pick([300, 3000]))
    this.#world.at(followAt, () => this.#copyToReplica())
    this.#world.at(this.#world.time + this.#dice.between(0, 300), () => (this.address = next))
  }

  #copyToReplica(): void {
    this.replica.stream += 1
    this.replica.data = new Map(this.primary.data)
    this.replica.run = this.primary.run
  }

  /** The primary comes back with nothing, or with what it had some time ago. */
  restart(snapshot?: Map<string, Stored>): void {
    const { primary } = this
    this.#reset(primary)
    primary.run = this.#newRun()
    primary.data = new Map(snapshot)
    this.#copyToReplica()
  }

  snapshot(): Map<string, Stored> {
    return new Map(this.primary.data)
  }

  pause(ms: number): void {
    this.primary.pausedUntil = this.#world.time + ms
  }

  /** For a while it has no memory for writes. */
  fill(ms: number): void {
    this.primary.fullUntil = this.#world.time + ms
  }

  flush(): void {
    this.primary.data.clear()
    this.replica.data.clear()
  }

  /** Drops a key, as an engine without memory does. */
  evict(): void {
    const keys = [...this.primary.data.keys()]
    if (keys.length === 0) return
    const key = this.#dice.pick(keys)
    this.primary.data.delete(key)
    this.replica.data.delete(key)
  }

  /** Some of the open connections, or all. */
  someConnections(): Connection[] {
    const share = this.#dice.pick([0.2, 0.5, 1])
    return [...this.primary.connections, ...this.replica.connections].filter(() =>
      this.#dice.isHit(share),
    )
  }

  #reset(server: Server): void {
    for (const connection of server.connections) connection.reset()
  }

  #newRun(): string {
    this.#runs += 1
    return `run ${this.#runs}`
  }
}

/** A TCP connection: in order in both directions, until it breaks. */
class Connection {
  readonly server: Server
  readonly #world: World
  readonly #dice: Dice
  readonly #process: Process
  readonly #onReset: () => void
  readonly channels = new Set<string>()
  readonly #onMessage: LinkOptions['onMessage']
  #lastUpAt = 0
  #lastDownAt = 0
  /** Nothing gets through until then. `Infinity`: half open. */
  stalledUntil = 0

  constructor(
    server: Server,
    process: Process,
    world: World,
    dice: Dice,
    onMessage: LinkOptions['onMessage'],
    onReset: () => void,
  ) {
    this.server = server
    this.#process = process
    this.#world = world
    this.#dice = dice
    this.#onMessage = onMessage
    this.#onReset = onReset
    server.connections.add(this)
  }

  /** Executes at the server, and brings the reply. */
  send<Reply>(execute: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const { server } = this
        if (!server.connections.has(this)) return
        if (this.#world.time < server.pausedUntil) {
          this.#world.at(server.pausedUntil, run)
          return
        }
        let answer: () => void
        try {
          const reply = execute()
          answer = () => resolve(reply)
        } catch (error) {
          answer = () => reject(error)
        }
        this.#down(answer)
      }
      this.#lastUpAt = this.#arrivalAfter(this.#lastUpAt)
      if (this.#lastUpAt !== Infinity) this.#world.at(this.#lastUpAt, run)
    })
  }

  push(channel: string, message: string): void {
    if (this.channels.has(channel)) this.#down(() => this.#onMessage(message, channel))
  }

  reset(): void {
    this.server.connections.delete(this)
    this.#process.schedule(this.#dice.between(0, 5), this.#onReset)
  }

  #down(arrive: () => void): void {
    this.#lastDownAt = this.#arrivalAfter(this.#lastDownAt)
    if (this.#lastDownAt === Infinity) return
    this.#process.schedule(this.#lastDownAt - this.#world.time, arrive)
  }

  #arrivalAfter(last: number): number {
    const latencyMs = this.#dice.isHit(0.02)
      ? this.#dice.between(5, 200)
      : this.#dice.between(0.1, 3)
    return Math.max(last, this.stalledUntil, this.#world.time + latencyMs)
  }
}

class SimulatedLink implements Link {
  readonly ready: Promise<string>
  readonly #servers: Servers
  readonly #world: World
  readonly #server: Server
  readonly #commands: Connection
  readonly #messages: Connection
  readonly #rejects = new Set<(error: Error) => void>()
  #run = ''

  constructor(
    servers: Servers,
    process: Process,
    { channels, onMessage, onClose }: LinkOptions,
    world: World,
    dice: Dice,
  ) {
    this.#servers = servers
    this.#world = world
    const server = servers.address
    this.#server = server
    const onReset = (): void => {
      this.close()
      onClose('closed')
    }
    this.#commands = new Connection(server, process, world, dice, onMessage, onReset)
    this.#messages = new Connection(server, process, world, dice, onMessage, onReset)
    this.ready = this.#untilClosed(this.#connect(channels))
  }

  async read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    const read = this.#commands.send(() =>
      keys.map((key) => this.#server.get(key, this.#world.time)),
    )
    const proof = this.#commands.send(() => this.#assertSame())
    const [values] = await this.#untilClosed(Promise.all([read, proof]))
    return values
  }

  setIfAbsent(key: string, value: Uint8Array): Promise<void> {
    return this.#untilClosed(
      this.#commands.send(() => {
        this.#assertWritable()
        if (this.#server.get(key, this.#world.time) !== undefined) return
        this.#servers.write(this.#server, key, value)
      }),
    )
  }

  set(key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    return this.#untilClosed(
      this.#commands.send(() => {
        this.#assertWritable()
        this.#servers.write(this.#server, key, value, ttlMs)
      }),
    )
  }

  announce({ key, value, ttlMs, channel, message }: Announcement): Promise<void> {
    const bytes = typeof value === 'string' ? new Uint8Array() : value
    return this.#untilClosed(
      this.#commands.send(() => {
        this.#assertWritable()
        this.#servers.write(this.#server, key, bytes, ttlMs)
        this.#servers.publish(this.#server, channel, message)
        return this.#assertSame()
      }),
    )
  }

  close(): void {
    this.#server.connections.delete(this.#commands)
    this.#server.connections.delete(this.#messages)
    for (const reject of this.#rejects) reject(new EngineError('closed'))
    this.#rejects.clear()
  }

  async #connect(channels: readonly string[]): Promise<string> {
    const run = await this.#commands.send(() => {
      this.#assertPrimary()
      return this.#server.run
    })
    await this.#messages.send(() => {
      this.#assertPrimary()
      if (this.#server.run !== run) throw new EngineError('different_primaries')
      channels.forEach((channel) => this.#messages.channels.add(channel))
    })
    this.#run = run
    return run
  }

  #assertPrimary(): void {
    if (!this.#server.isPrimary) throw new EngineError('replica')
  }

  #assertWritable(): void {
    this.#assertPrimary()
    if (this.#world.time < this.#server.fullUntil) throw new EngineError('OOM')
  }

  #assertSame(): void {
    this.#assertPrimary()
    if (this.#server.run !== this.#run) throw new EngineError('failover')
  }

  #untilClosed<Value>(pending: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject)
      const leave = (): boolean => this.#rejects.delete(reject)
      void pending.then(resolve, reject).then(leave)
    })
  }
}
