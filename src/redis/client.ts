import { EngineError } from './engine.ts'
import type {
  RedisClientOptions,
  RedisFunctions,
  RedisModules,
  RedisScripts,
  RESP_TYPES,
} from '@redis/client'
import type { Announcement, Engine, Link, LinkOptions } from './engine.ts'

/** The part of a client of `@redis/client` that is used. */
export interface RedisClient {
  connect(): Promise<unknown>
  sendCommand(
    args: readonly (string | Buffer)[],
    options?: { readonly typeMapping: { readonly [RESP_TYPES.BLOB_STRING]: typeof Buffer } },
  ): Promise<unknown>
  subscribe(
    channels: string[],
    listener: (message: string, channel: string) => void,
  ): Promise<unknown>
  multi(): RedisTransaction
  on(event: 'error', listener: (error: unknown) => void): unknown
  unref(): void
  destroy(): void
}

interface RedisTransaction {
  addCommand(args: (string | Buffer)[]): this
  exec(): Promise<unknown>
}

/** The options that a client gets. */
export type ClientOptions = RedisClientOptions<RedisModules, RedisFunctions, RedisScripts, 2>

/** Makes a client that is not connected. */
export type ClientFactory = (options: ClientOptions) => RedisClient

export interface EngineSettings {
  readonly url: string
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  readonly client: ClientFactory
}

// The package is loaded when a store is made, so its constant is written out.
const BLOB_STRING: typeof RESP_TYPES.BLOB_STRING = 36
const AS_BYTES = { typeMapping: { [BLOB_STRING]: Buffer } } as const
const CONNECT_TIMEOUT_MS = 2000
// More than a link can be asked before it counts as broken.
const MAX_QUEUED = 100_000

/** An engine that speaks the protocol of Redis. */
export function createEngine({ url, tls, client }: EngineSettings): Engine {
  const options: ClientOptions = {
    url,
    RESP: 2,
    // A new link replaces a broken one. A client that reconnects would keep the process alive.
    socket: {
      reconnectStrategy: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...(tls === undefined ? {} : { tls: true, ...tls }),
    },
    disableOfflineQueue: true,
    // Each caller has a time limit of its own. That of the client makes a signal for each command.
    commandOptions: { timeout: 0 },
    disableClientInfo: true,
    commandsQueueMaxLength: MAX_QUEUED,
  }
  // `CLIENT LIST` of the engine shows the names.
  const open = (name: string): RedisClient => client({ ...options, name: `with-auth:${name}` })
  return { open: (link) => new RedisLink(open('commands'), open('messages'), link) }
}

class RedisLink implements Link {
  readonly ready: Promise<string>
  readonly #commands: RedisClient
  readonly #messages: RedisClient
  #run = ''
  /** The proof that the reads of this turn of the loop wait for. */
  #proof: Promise<void> | undefined

  constructor(commands: RedisClient, messages: RedisClient, options: LinkOptions) {
    this.#commands = commands
    this.#messages = messages
    for (const client of [commands, messages]) {
      client.on('error', (error) => options.onClose(codeOf(error)))
      client.unref()
    }
    this.ready = adopting(this.#connect(options))
  }

  async read(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    // One proof after all reads of this turn: a primary that was replaced and comes back has another run.
    this.#proof ??= new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#proof = undefined
        resolve(this.#prove())
      })
    })
    const read = this.#commands.sendCommand(['MGET', ...keys], AS_BYTES)
    const [values] = await adopting(Promise.all([read, this.#proof]))
    if (!Array.isArray(values)) throw new EngineError('invalid_reply')
    return values.map((value: unknown) => (Buffer.isBuffer(value) ? value : undefined))
  }

  async setIfAbsent(key: string, value: Uint8Array): Promise<void> {
    await adopting(this.#commands.sendCommand(['SET', key, Buffer.from(value), 'NX']))
  }

  async set(key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    await adopting(this.#commands.sendCommand(['SET', key, Buffer.from(value), 'PX', `${ttlMs}`]))
  }

  async announce({ key, value, ttlMs, channel, message }: Announcement): Promise<void> {
    const expiry = ttlMs === undefined ? [] : ['PX', `${ttlMs}`]
    const replies = await adopting(
      this.#commands
        .multi()
        .addCommand(['SET', key, Buffer.from(value), ...expiry])
        .addCommand(['PUBLISH', channel, message])
        .addCommand(['INFO', 'replication'])
        .exec(),
    )
    const info: unknown = Array.isArray(replies) ? replies[2] : undefined
    this.#assertSame(info)
  }

  close(): void {
    destroy(this.#commands)
    destroy(this.#messages)
  }

  async #connect({ channels, onMessage }: LinkOptions): Promise<string> {
    const both = [this.#commands, this.#messages]
    await Promise.all(both.map((client) => client.connect()))
    const [run, other] = await Promise.all(both.map(readRun))
    const cluster = await this.#commands.sendCommand(['INFO', 'cluster'])
    if (/^cluster_enabled:1/m.test(String(cluster))) throw new EngineError('cluster')
    if (!/^cluster_enabled:0/m.test(String(cluster))) throw new EngineError('invalid_reply')
    // Behind one name there may be several servers.
    if (run === undefined || run !== other) throw new EngineError('different_primaries')
    await this.#messages.subscribe([...channels], onMessage)
    this.#run = run
    return run
  }

  async #prove(): Promise<void> {
    this.#assertSame(await this.#commands.sendCommand(['INFO', 'replication']))
  }

  #assertSame(info: unknown): void {
    if (runOf(info) !== this.#run) throw new EngineError('failover')
  }
}

function destroy(client: RedisClient): void {
  try {
    client.destroy()
  } catch {
    // Some clients throw if the socket is closed, which was wanted. The other one is closed too.
  }
}

async function readRun(client: RedisClient): Promise<string> {
  return runOf(await client.sendCommand(['INFO', 'replication']))
}

/** The id of the history of writes. A replica that becomes the primary starts another one, and so does a restart. */
function runOf(info: unknown): string {
  const text = String(info)
  const run = /^master_replid:([\da-f]{40})/m.exec(text)?.[1]
  // All servers that answer with zeros would look like one server.
  if (run === undefined || /^0+$/.test(run)) throw new EngineError('invalid_reply')
  if (!/^role:master/m.test(text)) throw new EngineError('replica')
  return run
}

async function adopting<Value>(pending: Promise<Value>): Promise<Value> {
  try {
    return await pending
  } catch (error) {
    throw error instanceof EngineError ? error : new EngineError(codeOf(error))
  }
}

/** A code for an error of the client. Its message may hold the URL, so only known forms are shown. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  // A transaction fails with the replies of its commands.
  const replies: unknown = Reflect.get(error, 'replies')
  const failed: unknown = Array.isArray(replies)
    ? replies.find((reply) => reply instanceof Error)
    : undefined
  if (failed !== undefined) return codeOf(failed)
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && /^[A-Z][A-Z_\d]{2,47}$/.test(code)) return code
  const reply = /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0]
  if (reply === 'READONLY') return 'replica'
  return reply ?? (error.constructor.name.includes('Timeout') ? 'timeout' : 'closed')
}
