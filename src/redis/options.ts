import { createRequire } from 'node:module'
import { boolean, callback, milliseconds } from '../core/config/kinds.ts'
import {
  invalidOption,
  invalidSecret,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import type * as redis from '@redis/client'
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
  /** Keeps shared allows of different verifiers apart. Needed with `shareVerdicts` beside `verifier` or your own `fetch`.
   * It stands for one function: guards with another one share nothing through this store. */
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

export interface ResolvedStoreOptions {
  readonly settings: StoreSettings
  readonly engine: EngineSettings
}

const NAMES = [
  'url',
  'shareVerdicts',
  'secret',
  'revocationMs',
  'lostPushTtlMs',
  'timeoutMs',
  'prefix',
  'scope',
  'tls',
  'client',
] as const
const TLS_NAMES = ['ca', 'cert', 'key'] as const

const SHARE = boolean(false)
const REVOCATION = milliseconds({ default: 1000, min: 250, max: 10_000 })
const TIMEOUT = milliseconds({ default: 50, min: 1, max: 60_000 })
const CLIENT = callback<ClientFactory>()
const unused: ClientFactory = () => {
  throw new TypeError('The options have a problem')
}
const MIN_SECRET_BYTES = 32
const MAX_SECRETS = 3
const SECRET = `a text of at least ${MIN_SECRET_BYTES} bytes, or a list of at most ${MAX_SECRETS} of them`

/** @throws AuthConfigError with all problems. */
export function parseStoreOptions(value: unknown): ResolvedStoreOptions {
  const problems = new Problems()
  const given = readOptions(value, NAMES, [], 'an object', problems)
  const attempt = <Parsed>(parse: () => Parsed, otherwise: Parsed): Parsed =>
    problems.attempt(parse) ?? otherwise
  const revocationMs = attempt(() => REVOCATION.parse(given.revocationMs, ['revocationMs']), 0)
  const lostPush = milliseconds({ default: revocationMs, min: revocationMs, max: 3_600_000 })
  const sharesVerdicts = attempt(() => SHARE.parse(given.shareVerdicts, ['shareVerdicts']), false)
  const { url, database } = attempt(() => parseUrl(given.url), { url: '', database: 0 })
  const settings: StoreSettings = {
    database,
    revocationMs,
    lostPushTtlMs: attempt(() => lostPush.parse(given.lostPushTtlMs, ['lostPushTtlMs']), 0),
    timeoutMs: attempt(() => TIMEOUT.parse(given.timeoutMs, ['timeoutMs']), 0),
    prefix: attempt(() => parsePrefix(given.prefix ?? 'with-auth:'), ''),
    scope: attempt(() => parseScope(given.scope), undefined),
    secrets: attempt(() => parseSecrets(given.secret, sharesVerdicts), []),
  }
  const engine: EngineSettings = {
    url,
    tls: attempt(() => parseTls(given.tls, given.url), undefined),
    client: attempt(() => CLIENT.parse(given.client, ['client']) ?? loadClient(), unused),
  }
  problems.throwIfAny()
  return { settings, engine }
}

function parseUrl(value: unknown): { readonly url: string; readonly database: number } {
  if (typeof value !== 'string' || !/^rediss?:\/\/[^/\s]/.test(value) || !URL.canParse(value)) {
    throw invalidSecret(['url'], 'a URL that begins with "redis://" or "rediss://"')
  }
  const { username, password, pathname } = new URL(value)
  if (!/^\/?\d*$/.test(pathname)) {
    throw invalidSecret(['url'], 'a URL whose path is empty or the number of a database')
  }
  if (!canDecode(username) || !canDecode(password)) {
    throw invalidSecret(['url'], 'a URL whose user and password are percent-encoded ("%" as "%25")')
  }
  return { url: value, database: Number(pathname.slice(1)) }
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function parsePrefix(value: unknown): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value)) return value
  throw invalidOption(['prefix'], value, '1 to 64 visible ASCII characters')
}

function parseScope(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw invalidOption(['scope'], value, 'a text')
}

function parseSecrets(value: unknown, sharesVerdicts: boolean): readonly string[] {
  if (value === undefined && !sharesVerdicts) return []
  if (!sharesVerdicts) throw misusedOption(['secret'], 'left out without `shareVerdicts`')
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!list.every(isSecret) || list.length === 0 || list.length > MAX_SECRETS) {
    throw invalidSecret(['secret'], `${SECRET}, with \`shareVerdicts\``)
  }
  return [...new Set(list)]
}

function isSecret(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) >= MIN_SECRET_BYTES
}

function parseTls(value: unknown, url: unknown): EngineSettings['tls'] {
  if (value === undefined) return undefined
  if (typeof url === 'string' && url.startsWith('redis://')) {
    throw misusedOption(['tls'], 'left out, unless `url` begins with "rediss://"')
  }
  const path: OptionPath = ['tls']
  const tls = readOptions(value, TLS_NAMES, path)
  const pem = (name: (typeof TLS_NAMES)[number]): object => {
    const text = tls[name]
    if (text === undefined) return {}
    if (typeof text === 'string' && text.includes('-----BEGIN')) return { [name]: text }
    throw invalidSecret([...path, name], 'a text in PEM form')
  }
  return { ...pem('ca'), ...pem('cert'), ...pem('key') }
}

/** Loads `createClient` of the package. Throws an `AuthConfigError` if it is not installed, or too old. */
function loadClient(): ClientFactory {
  const load = createRequire(import.meta.url)
  const version = readVersion(load)
  if (version === undefined) throw needs('which is not installed')
  const [major = 0, minor = 0] = version.split('.', 2).map(Number)
  if (!(major > 6 || (major === 6 && minor >= 3))) throw needs(`found ${version}`)
  const { createClient } = load('@redis/client') as Pick<typeof redis, 'createClient'>
  return (options) => createClient(options)
}

function readVersion(load: NodeJS.Require): string | undefined {
  try {
    const { version } = load('@redis/client/package.json') as { version: string }
    return version
  } catch {
    return undefined
  }
}

function needs(why: string): Error {
  const client = `the package "@redis/client" 6.3 or later, ${why}: npm install @redis/client@6`
  return misusedOption(['store'], `used with ${client}`)
}
