import { resolveConfig } from '../core/config/parse.ts'
import { AuthConfigError } from '../core/errors.ts'
import { foldName } from '../core/config/option-checks.ts'
import { createGateway } from '../gateway.ts'
import { createKeyEndpoint, listKeys } from '../keys.ts'
import { loadConfig } from '../yaml.ts'
import { asUsage, wrongValue } from './command.ts'
import { nameFlag } from './file-flag.ts'
import { UsageError } from './usage-error.ts'
import type { AuthConfig } from '../core/auth-config.ts'
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
  await asUsage(SETTING_FLAGS, () => resolveConfig(settings)).catch(nameSources)
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
  return kind === undefined ? text : { [kind]: name }
}

// The forms of the command line. The value is hidden, since it may be a key.
function nameSources(error: unknown): never {
  if (!(error instanceof UsageError) || !error.message.startsWith('--credentials')) throw error
  const message = error.message
    .replace('"bearer"', 'bearer')
    .replace(/, \{ cookie \} or \{ webSocketProtocol \}/, ' or cookie:NAME')
    .replace('{ header }', 'header:NAME')
    .replace(/, received .*/s, ' (its value is not shown)')
  throw new UsageError(message)
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
