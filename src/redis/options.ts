import { parse, parseOptions } from '../core/config/interpreter.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import { loadClient } from './load-client.ts'
import { invalidSecret, isOptionsObject, misusedOption } from '../core/config/option-checks.ts'
import type { Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { ClientFactory, EngineSettings } from './client.ts'
import type { StoreSettings } from './store.ts'

/** The options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** `redis://` or `rediss://`, with user and password if the engine asks for them. Never shown. */
  readonly url: string
  /**
   * Lets instances take each other's allows. Needs `secret`. Worth it if the endpoint is slow or scarce: a shared allow costs
   * about as much CPU as a quick endpoint.
   *
   * @default false
   */
  readonly shareVerdicts?: boolean
  /**
   * Seals shared allows, the same for all instances: at least 32 bytes. A list of up to three rotates it: the first seals, all
   * open. Only with `shareVerdicts`.
   */
  readonly secret?: string | readonly string[]
  /**
   * The longest time that a revoked token works, in milliseconds, from 250 to 10,000.
   *
   * @default 1000
   */
  readonly revocationMs?: number
  /**
   * How long a decision is used while the store cannot be reached, in milliseconds from the call. At most the `allowTtlMs` of the cache.
   * Set it above `revocationMs` to spare the endpoint in an outage of the store. A revoked token then works for as long.
   *
   * @default revocationMs
   */
  readonly lostPushTtlMs?: number
  /**
   * How long a request waits for a shared allow, in milliseconds, from 1 to 60,000. After that the endpoint is asked.
   *
   * @default 50
   */
  readonly timeoutMs?: number
  /**
   * The beginning of all keys and channels: 1 to 64 visible ASCII characters. Instances with the same prefix share
   * revocations.
   *
   * @default 'with-auth:'
   */
  readonly prefix?: string
  /** Keeps shared allows apart from those of instances with another scope, such as instances of another cluster, where the same URL
   * means another endpoint. A `verifier`, or a `fetch` of your own, tells itself apart by its `id`, and needs one with
   * `shareVerdicts`. */
  readonly scope?: string
  /** PEM texts for `rediss://`: the authority of the engine, and the certificate and key of this client. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /**
   * Makes a client of `@redis/client`, which is not connected yet, of the options that it gets. Called for each connection.
   * Give it in a bundle that has the package in it: otherwise the package is looked up where the code runs.
   *
   * @default createClient
   */
  readonly client?: ClientFactory
}

interface ResolvedStoreOptions {
  readonly settings: StoreSettings
  readonly engine: EngineSettings
}

const MIN_SECRET_BYTES = 32
const MAX_SECRETS = 3
const SECRET = `a text of at least ${MIN_SECRET_BYTES} bytes, or a list of at most ${MAX_SECRETS} of them, with \`shareVerdicts\``
const PEM = {
  kind: 'text',
  pattern: /-----BEGIN/,
  isSecret: true,
  expected: 'a text in PEM form',
} as const

const SECRETS = {
  kind: 'code',
  is: 'secrets',
  isText: true,
  isSecret: true,
  items: { kind: 'text', isSecret: true },
  read: parseSecrets,
} as const

interface ParsedStore {
  readonly url: Pick<EngineSettings, 'url'> & Pick<StoreSettings, 'database'>
  readonly shareVerdicts: boolean
  readonly secret: StoreSettings['secrets'] | undefined
  readonly revocationMs: number
  readonly lostPushTtlMs: number | undefined
  readonly timeoutMs: number
  readonly prefix: string
  readonly scope: string | undefined
  readonly tls: EngineSettings['tls']
  readonly client: ClientFactory
}

/** The options of a store. `lostPushTtlMs` is at least `revocationMs`. */
export const STORE: Table<ParsedStore> = {
  url: {
    kind: 'code',
    is: 'storeUrl',
    isText: true,
    isSecret: true,
    isRequired: true,
    read: parseUrl,
  },
  shareVerdicts: { kind: 'boolean', default: false },
  secret: SECRETS,
  revocationMs: { kind: 'milliseconds', default: 1000, min: 250, max: 10_000 },
  lostPushTtlMs: { kind: 'milliseconds', min: 250, max: 3_600_000 },
  timeoutMs: { kind: 'milliseconds', default: 50, min: 1, max: 60_000 },
  prefix: {
    kind: 'text',
    default: 'with-auth:',
    pattern: /^[\x21-\x7e]{1,64}$/,
    expected: '1 to 64 visible ASCII characters',
  },
  scope: { kind: 'text', expected: 'a text' },
  tls: { kind: 'group', isSecret: true, fields: { ca: PEM, cert: PEM, key: PEM } },
  client: { kind: 'code', is: 'function', isRequired: true, read: parseClient },
}

/** @throws AuthConfigError with all problems. */
export function parseStoreOptions(value: unknown): ResolvedStoreOptions {
  const {
    url,
    tls,
    client,
    secret = [],
    ...settings
  } = parseOptions<ParsedStore>(tableFor(value), value)
  const lostPushTtlMs = settings.lostPushTtlMs ?? settings.revocationMs
  return {
    settings: { ...settings, lostPushTtlMs, secrets: secret, database: url.database },
    engine: { url: url.url, tls, client },
  }
}

/** The table for these options: what some must be depends on others. */
function tableFor(value: unknown): Table<ParsedStore> {
  const given = (name: keyof ParsedStore): unknown =>
    isOptionsObject(value) ? readName(value, name) : undefined
  const revocationMs = given('revocationMs') ?? 1000
  const isPlain = String(given('url')).startsWith('redis://')
  const isShared = given('shareVerdicts') === true
  return {
    ...STORE,
    // A decision is used for as long as a revocation may take in any case.
    lostPushTtlMs: {
      kind: 'milliseconds',
      min: typeof revocationMs === 'number' ? revocationMs : 0,
      max: 3_600_000,
    },
    ...(isPlain && { tls: unused(', unless `url` begins with "rediss://"') }),
    secret: isShared ? { ...SECRETS, isRequired: true } : unused(' without `shareVerdicts`'),
  }
}

function parseUrl(value: unknown, path: OptionPath): ParsedStore['url'] {
  if (typeof value !== 'string' || !/^rediss?:\/\/[^/\s]/.test(value) || !URL.canParse(value)) {
    throw invalidSecret(path, 'a URL that begins with "redis://" or "rediss://"')
  }
  const { username, password, pathname } = new URL(value)
  if (!/^\/?\d*$/.test(pathname)) {
    throw invalidSecret(path, 'a URL whose path is empty or the number of a database')
  }
  if (!canDecode(username) || !canDecode(password)) {
    throw invalidSecret(path, 'a URL whose user and password are percent-encoded ("%" as "%25")')
  }
  return { url: value, database: Number(pathname.slice(1)) }
}

/** An option that has no effect: no value is good. */
function unused(why: string) {
  const read = (_: unknown, path: OptionPath): never => {
    throw misusedOption(path, `left out${why}`)
  }
  return { kind: 'code', is: 'unused', read } as const
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function parseSecrets(value: unknown, path: OptionPath): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!list.every(isSecret) || list.length === 0 || list.length > MAX_SECRETS) {
    throw invalidSecret(path, SECRET)
  }
  return [...new Set(list)]
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES
}

function parseClient(value: unknown, path: OptionPath): ClientFactory {
  if (value === undefined) return loadClient()
  return parse<ClientFactory>({ kind: 'function', isRequired: true }, value, path)
}
