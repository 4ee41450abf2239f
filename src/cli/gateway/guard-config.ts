import { memoryCache } from '../../memory/memory-cache.ts'
import { foldName } from '../../core/config/option-checks.ts'
import { resolveConfig } from '../../core/config/parse.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { createGateway } from '../../gateway.ts'
import { createKeysVerifier } from '../../keys/verifier.ts'
import { asUsage, nameFlag, UsageError, wrongValue } from '../errors.ts'
import { peerAddressOf } from './client-address.ts'
import { POLICY_OPTION, rejectPolicyOption } from './config-file.ts'
import { openKeys, QUESTION_MS, requireKeys, sourceOf } from '../key-place.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { OptionProblem } from '../../core/errors.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { ClientAddresses } from './client-address.ts'
import type { KeyPlace } from '../../keys.ts'
import type { KeyObserver } from '../../keys/verifier.ts'
import type { OpenedKeys } from '../key-place.ts'
import type { Surroundings } from '../surroundings.ts'

export const GUARD_OPTIONS: OptionSpecs = {
  config: {
    value: 'FILE',
    help: 'a run.yaml with server.auth: ask the auth endpoint or the provider that it names',
  },
  ...POLICY_OPTION,
  keys: {
    value: 'FILE',
    help: 'a key file, a SQLite file, or env:NAME for PostgreSQL: decide without an auth endpoint',
  },
  public: {
    value: 'PATTERN',
    help: 'a path that needs no key, exact or /prefix/*; may be repeated',
    isRepeatable: true,
  },
  preflight: { value: 'allow', help: 'pass on CORS preflights, which carry no key' },
  realm: {
    value: 'TEXT',
    help: 'the realm in the WWW-Authenticate header of a 401',
    default: 'api',
  },
  credentials: {
    value: 'SOURCE',
    help: 'where the key is: bearer, header:x-api-key, cookie:NAME; may be repeated',
    isRepeatable: true,
  },
}

/** The flags that --config reads from its file instead. A flag, its option and its YAML key share one name. */
const SETTINGS: Readonly<Record<string, (texts: readonly string[]) => unknown>> = {
  public: (patterns) => patterns,
  preflight: ([text]) => text,
  realm: ([text]) => text,
  credentials: (sources) => sources.map(readSource),
}

const SETTING_FLAGS = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, `--${name}`]))

const WORDS_OF_ENVIRONMENT = {
  endpoint: 'AUTH_ENDPOINT',
  endpointHeaders: 'endpoint_headers of a --config FILE',
  allowInsecureHttp: 'allow_insecure_http of a --config FILE',
}

/** How long a decision from a database of keys is cached, and therefore how long a revoked key works. */
const ALLOW_TTL_MS = 5000
const DENY_TTL_MS = 1000

/** The config of the gateway: from a key file, from a run.yaml, or from AUTH_ENDPOINT. */
export async function readGuardConfig(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
  observers: KeyObservers,
  load: (file: string) => Promise<AuthConfig>,
): Promise<AuthConfig> {
  const [config, keys] = [line.text('config'), line.text('keys')]
  if (config !== undefined && keys !== undefined) {
    throw new UsageError('--config and --keys both decide who gets access: give only one of them')
  }
  if (config === undefined) rejectPolicyOption(line)
  const settings = await readSettings(line)
  if (config !== undefined) {
    rejectSettings(settings)
    return load(config).catch(nameFlag('--config', config))
  }
  if (keys !== undefined) {
    const opened = await openKeys(keys, { env }, { queryMs: QUESTION_MS })
    return { ...(await configForKeys(opened, observers)), ...settings }
  }
  const endpoint = env['AUTH_ENDPOINT']
  if (endpoint !== undefined) return { ...(await configForEndpoint(endpoint)), ...settings }
  throw new UsageError(
    'Nothing decides who gets access: give --keys FILE or --config FILE, or set AUTH_ENDPOINT',
  )
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

// A key in the protocol of a WebSocket needs a --config FILE, with `web_socket_protocol`.
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

function rejectSettings(settings: AuthConfig): void {
  const [name] = Object.keys(settings)
  if (name === undefined) return
  throw new UsageError(
    `--${name} cannot be combined with --config: set server.auth.${name} in the file`,
  )
}

/**
 * Returns what finds out the address of the client. A verifier that reads it gets the address of the TCP peer: it trusts proxies by
 * their address, and no header may change that.
 */
export function addressFor(
  { verifier }: AuthConfig,
  addressOf: ClientAddresses['addressOf'],
): ClientAddresses['addressOf'] {
  return verifier?.reads?.clientAddress === true ? peerAddressOf : addressOf
}

/** Sets the header that `--request-id-header` names. It overrides the one of `--config`. */
export function withRequestIdHeader(config: AuthConfig, line: CommandLine): AuthConfig {
  const name = line.text('request-id-header')
  if (name === undefined) return config
  const reject = (allowed: string): UsageError => wrongValue('--request-id-header', name, allowed)
  if (line.texts('strip-header').some((pattern) => matchesPattern(name, pattern))) {
    throw reject('the name of a header that --strip-header does not remove')
  }
  const changed = { ...config, requestIdHeader: name }
  try {
    resolveConfig(changed, peerAddressOf)
    // The same rules apply to the names of the identity headers, and the three names must differ.
    createGateway({ upstream: 'http://127.0.0.1/', identityHeaders: { principal: name } })
    createGateway({ upstream: 'http://127.0.0.1/', identityHeaders: { attributes: name } })
  } catch (error) {
    const option = error instanceof AuthConfigError ? error.option : ''
    if (option === 'requestIdHeader') throw reject('the name of a header that holds no credentials')
    if (option.startsWith('identityHeaders')) {
      throw reject('the name of a header that has no other use')
    }
    throw error
  }
  return changed
}

function matchesPattern(name: string, pattern: string): boolean {
  const [folded, stripped] = [foldName(name), foldName(pattern.replace(/\*$/, ''))]
  return pattern.endsWith('*') ? folded.startsWith(stripped) : folded === stripped
}

export interface KeyObservers extends KeyObserver {
  /** Gets the place of keys that can be read. */
  readonly onOpen?: (place: KeyPlace) => void
}

/**
 * Decides in this process from keys. Rejects if they cannot be used now. Later errors go to `onError`. No decision about a key of a file is cached, and those
 * from a database are cached for as long as the constants above say.
 */
export async function configForKeys(
  keys: Omit<OpenedKeys, 'close'>,
  observers: KeyObservers,
): Promise<AuthConfig> {
  await requireKeys(keys)
  const verifier = openObserved(keys.place, observers)
  const cached = verifier.local
    ? {}
    : { cache: memoryCache({ allowTtlMs: ALLOW_TTL_MS, denyTtlMs: DENY_TTL_MS }) }
  return { verifier, ...cached, unavailableStatus: 503 }
}

/** Makes a verifier of keys. */
export function openObserved(
  place: KeyPlace,
  { onOpen, ...observer }: KeyObservers,
): CheckedVerifier {
  const verifier = createKeysVerifier({ source: sourceOf(place) }, observer)
  onOpen?.(place)
  return verifier
}
