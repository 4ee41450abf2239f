import process from 'node:process'
import { foldName } from '../core/config/option-checks.ts'
import { resolveConfig } from '../core/config/parse.ts'
import { AuthConfigError } from '../core/errors.ts'
import { createGateway } from '../gateway.ts'
import { createKeyEndpoint, listKeys } from '../keys.ts'
import { loadConfig } from '../yaml.ts'
import { asUsage, nameFlag, UsageError, wrongValue } from './errors.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { ResolvedConfig } from '../core/config/parse.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

/** The options that say who is let in. */
export const GUARD_OPTIONS: OptionSpecs = {
  config: { value: 'FILE', help: 'a run.yaml with server.auth: asks the endpoint that it names' },
  keys: { value: 'FILE', help: 'a file of keys: decides by itself, without an endpoint' },
  public: {
    value: 'PATTERN',
    help: 'needs no key: an exact path or /prefix/*; may be repeated',
    isRepeatable: true,
  },
  preflight: { value: 'allow', help: 'let CORS preflights pass, which carry no key' },
  realm: { value: 'TEXT', help: 'the realm in the challenge of a 401', default: 'api' },
  credentials: {
    value: 'SOURCE',
    help: 'where the key is: bearer, header:x-api-key, cookie:NAME; may be repeated',
    isRepeatable: true,
  },
}

/** Flags for settings that --config reads from its file. A flag, its option and its YAML key have one name. */
const SETTINGS: Readonly<Record<string, (texts: readonly string[]) => unknown>> = {
  public: (patterns) => patterns,
  preflight: ([text = '']) => readPreflight(text),
  realm: ([text]) => text,
  credentials: (sources) => sources.map(readSource),
}

const SETTING_FLAGS = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, `--${name}`]))

const WORDS_OF_ENVIRONMENT = {
  endpoint: 'AUTH_ENDPOINT',
  endpointHeaders: 'endpoint_headers of a --config FILE',
  allowInsecureHttp: 'allow_insecure_http of a --config FILE',
}

/** How long a verdict about a key of the file is kept, and so how long a revoked key works. */
const ALLOW_TTL_MS = 5000
const DENY_TTL_MS = 1000

/** Reads who is let in: by a file of keys, by a configuration, or by the endpoint that the environment names. */
export async function readGuardConfig(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
  onKeysError: (error: Error) => void,
): Promise<AuthConfig> {
  const [config, keys] = [line.text('config'), line.text('keys')]
  if (config !== undefined && keys !== undefined) {
    throw new UsageError('--config and --keys both say who is let in: give one of them')
  }
  const settings = await readSettings(line)
  if (config !== undefined) {
    refuseSettings(settings)
    return loadConfig(config).catch(nameFlag('--config', config))
  }
  if (keys !== undefined) return { ...(await configForKeys(keys, onKeysError)), ...settings }
  const endpoint = env['AUTH_ENDPOINT']
  if (endpoint !== undefined) return { ...(await configForEndpoint(endpoint)), ...settings }
  throw new UsageError('Who is let in? Give --keys FILE or --config FILE, or set AUTH_ENDPOINT')
}

async function configForEndpoint(endpoint: string): Promise<AuthConfig> {
  const config = { endpoint, unavailableStatus: 503 } as const
  await asUsage(WORDS_OF_ENVIRONMENT, () => resolveConfig(config))
  return config
}

async function readSettings(line: CommandLine): Promise<AuthConfig> {
  const given = Object.entries(SETTINGS).filter(([name]) => line.has(name))
  const settings = Object.fromEntries(given.map(([name, read]) => [name, read(line.texts(name))]))
  await asUsage(SETTING_FLAGS, () => resolveConfig(settings), hideSource)
  return settings
}

function readPreflight(text: string): 'allow' {
  if (text === 'allow') return text
  throw wrongValue('--preflight', text, 'allow')
}

// No `webSocketProtocol`: the gateway answers 501 to a WebSocket.
const SOURCE = /^(header|cookie):(.*)$/s

function readSource(text: string): unknown {
  const [, kind, name] = SOURCE.exec(text) ?? []
  if (kind !== undefined) return { [kind]: name }
  if (text === 'bearer') return text
  const expected = 'bearer, header:NAME or cookie:NAME (its value is not shown)'
  throw new UsageError(`--credentials must be ${expected}`)
}

// A key may be given in place of its source.
function hideSource(problem: OptionProblem): OptionProblem {
  const { optionPath, expected } = problem
  return optionPath[0] === 'credentials' ? { optionPath, expected, isSecret: true } : problem
}

function refuseSettings(settings: AuthConfig): void {
  const [name] = Object.keys(settings)
  if (name === undefined) return
  throw new UsageError(
    `--${name} cannot be given beside --config: set server.auth.${name} in the file`,
  )
}

/** Sets the header that `--request-id-header` names. It overrides the one of `--config`. */
export function withRequestIdHeader(config: AuthConfig, line: CommandLine): AuthConfig {
  const name = line.text('request-id-header')
  if (name === undefined) return config
  const refuse = (allowed: string): UsageError => wrongValue('--request-id-header', name, allowed)
  if (line.texts('strip-header').some((pattern) => matchesPattern(name, pattern))) {
    throw refuse('the name of a header that --strip-header does not remove')
  }
  const changed = { ...config, requestIdHeader: name }
  try {
    resolveConfig(changed)
    // The rules for the name of an identity header fit, and it must be neither of the two.
    createGateway({ upstream: 'http://127.0.0.1/', identityHeaders: { principal: name } })
    createGateway({ upstream: 'http://127.0.0.1/', identityHeaders: { attributes: name } })
  } catch (error) {
    const option = error instanceof AuthConfigError ? error.option : ''
    if (option === 'requestIdHeader') throw refuse('the name of a header that holds no credentials')
    if (option.startsWith('identityHeaders')) {
      throw refuse('the name of a header that has no other use')
    }
    throw error
  }
  return changed
}

function matchesPattern(name: string, pattern: string): boolean {
  const [folded, stripped] = [foldName(name), foldName(pattern.replace(/\*$/, ''))]
  return pattern.endsWith('*') ? folded.startsWith(stripped) : folded === stripped
}

/** Answers out of the file, in this process. Rejects for a file that cannot be used; later ones are told to `onError`. */
export async function configForKeys(
  file: string,
  onError: (error: Error) => void,
): Promise<AuthConfig> {
  await listKeys(file).catch(nameFlag('--keys', file))
  const endpoint = createKeyEndpoint({ file }, { onError })
  return {
    // Nothing listens there, and nothing is sent there.
    endpoint: 'http://127.0.0.1/',
    fetch: (url, init) => endpoint(new Request(url, init)),
    // A key may be for some paths only, so the path is told; nothing else has a say.
    context: { headers: [], params: 'none' },
    cache: { allowTtlMs: ALLOW_TTL_MS, denyTtlMs: DENY_TTL_MS },
    unavailableStatus: 503,
    retry: false,
    circuitBreaker: false,
  }
}

/** A config, and by what its endpoint is asked; `undefined` where the config says that itself, or asks none. */
export interface EquippedConfig {
  readonly config: AuthConfig
  readonly asksOver: 'undici' | 'fetch' | undefined
  /** Why `nodeTransport` does not ask, on Node. */
  readonly whyFetch?: string
}

/**
 * Adds `nodeTransport` to a config, on Node where undici is installed. Otherwise the runtime's `fetch` asks. Nothing
 * needs to be closed: the process ends although undici has idle connections.
 */
export async function equipWithTransport(
  config: AuthConfig,
  { env }: Pick<Surroundings, 'env'>,
): Promise<EquippedConfig> {
  if (saysHowToAsk(config)) return { config, asksOver: undefined }
  if (hasFasterFetch() || takesProxyFrom(env)) return { config, asksOver: 'fetch' }
  // Only now: nothing else in the command needs it.
  const { nodeTransport } = await import('../node.ts')
  try {
    return { config: { ...config, fetch: nodeTransport() }, asksOver: 'undici' }
  } catch (error) {
    // There is no undici, or none that can be used here.
    if (error instanceof AuthConfigError) {
      return { config, asksOver: 'fetch', whyFetch: error.message }
    }
    throw error
  }
}

/** Asks by another config as one that was equipped: over the same connections. */
export function equipLike(equipped: EquippedConfig, config: AuthConfig): EquippedConfig {
  const { fetch } = equipped.config
  return { ...equipped, config: fetch === undefined ? config : { ...config, fetch } }
}

function saysHowToAsk({ fetch, verifier }: AuthConfig): boolean {
  return fetch !== undefined || verifier !== undefined
}

// Deno would load undici, and Bun would not: both are better off with their own `fetch`.
function hasFasterFetch(): boolean {
  return 'deno' in process.versions || 'bun' in process.versions
}

// Only `fetch` obeys that, and an endpoint may be out of reach without its proxy.
function takesProxyFrom({ NODE_USE_ENV_PROXY, NODE_OPTIONS = '' }: Surroundings['env']): boolean {
  if (NODE_USE_ENV_PROXY === '1') return true
  return [NODE_OPTIONS, ...process.execArgv].some((text) => text.includes('--use-env-proxy'))
}

/**
 * How long a revoked key may still be let in, in milliseconds, by the configuration alone. A kept verdict counts from when
 * the endpoint was asked (jitter only shortens it), and serves longer while the endpoint does not answer. A call that was
 * under way when the key was revoked may let in those who wait for it.
 */
export function revokedKeyWorksForMs({
  cache,
  timeoutMs,
}: Pick<ResolvedConfig, 'cache' | 'timeoutMs'>): number {
  if (cache === false) return timeoutMs
  return Math.max(cache.allowTtlMs + cache.staleIfErrorMs, timeoutMs)
}

/** The sentence that an operator can rely on. Rounded up, so that it promises no more than is kept. */
export function describeRevocation(config: Pick<ResolvedConfig, 'cache' | 'timeoutMs'>): string {
  const seconds = Math.ceil(revokedKeyWorksForMs(config) / 100) / 10
  return `a revoked key works for at most ${seconds} s`
}
