import { parseServiceUrl } from './config/service-url.ts'
import { resolveConfig } from './config/parse.ts'
import { AuthConfigError } from './errors.ts'
import { ignore, isPromise } from './async.ts'
import { createChannel, createConsole, observerOf, reportConfigError } from './response/events.ts'
import { DecisionSource } from './asking/decision-source.ts'
import { createCheckFactory } from './request/check.ts'
import { createCredentialsReader, createTokenFinder } from './request/credentials.ts'
import { guardsOf } from './response/admission.ts'
import { createAlarm, createRouteCheck } from './response/alarm.ts'
import { createAuthorize, startWarnings } from './response/authorization.ts'
import { Denials } from './response/denial.ts'
import { createPublicCheck } from './response/exemption.ts'
import { createRecall } from './response/recall.ts'
import { endpointFromEnvironment } from './runtime.ts'
import type { AuthConfigSource } from './auth-config.ts'
import type { AddressOf, ResolvedConfig } from './config/parse.ts'
import type { Channel, WriteLine } from './response/events.ts'
import type { CheckFactory } from './request/check.ts'
import type { CredentialsReader, TokenFinder } from './request/credentials.ts'
import type { Guards, SecretSource } from './response/admission.ts'
import type { Alarm, RouteCheck } from './response/alarm.ts'
import type { Authorize } from './response/authorization.ts'
import type { PublicCheck } from './response/exemption.ts'
import type { Recall } from './response/recall.ts'

/** The setup without a config that can be used: what the gate needs to reject a request and to report it. */
export interface Unready extends Channel {
  /** The defaults if the config is wrong. The other options must decide nothing before the setup is ready. */
  readonly config: Pick<ResolvedConfig, 'requestIdHeader' | 'namesCaller' | 'verifier'>
  readonly denials: Denials
  /** `undefined` without a config, which is reported by itself. */
  readonly alarm: Alarm | undefined
  readonly readCredentials: CredentialsReader
  /** Where a request may hold a secret. */
  readonly secretSources: readonly SecretSource[]
  readonly decisions: undefined
  readonly authorize: undefined
  readonly guards: undefined
  readonly recall: undefined
}

/** Everything that the gate needs for a decision, made once. */
export interface Setup
  extends Omit<Unready, 'decisions' | 'config' | 'authorize' | 'guards' | 'recall'>, TokenFinder {
  readonly config: ResolvedConfig
  readonly checks: CheckFactory
  readonly decisions: DecisionSource
  /** Decides what callers may do. `undefined` if every caller may do everything. */
  readonly authorize: Authorize | undefined
  /** This guard, for the requests that it admits. */
  readonly guards: Guards
  readonly isPublic: PublicCheck | undefined
  /** `undefined` if no decision depends on the path. */
  readonly cameByUnknownRoute: RouteCheck | undefined
  readonly recall: Recall | undefined
}

/** The setup before its endpoint is known. */
interface Base extends Unready {
  readonly config: ResolvedConfig
}

export interface SetupSource {
  /** Returns the setup for the extra arguments of a request. Never throws, and reports why it is not ready. */
  readonly get: (args: readonly unknown[]) => Setup | Unready
  /** Forgets all decisions that have been cached for this config. */
  readonly forget: () => void
}

/**
 * Makes the source of the setup. A config object is checked now, and throws `AuthConfigError`. A config function is called with
 * the extra arguments of the first request, and with those of the next one until it has succeeded once.
 */
export function createSetupSource<Args extends readonly unknown[]>(
  source: AuthConfigSource<Args> | undefined,
  knownAddress?: AddressOf,
): SetupSource {
  const writeLine = createConsole()
  const defaults = resolveConfig({})
  let base = createUnready(defaults, writeLine)
  let setup: Setup | undefined
  const prepare = (made: unknown): void => {
    base = createUnready(defaults, writeLine, observerOf(made))
    base = createUnready(resolveConfig(made, knownAddress), writeLine)
  }
  if (typeof source !== 'function') {
    prepare(source === undefined ? {} : source)
    warn(base)
  }
  const get = (args: readonly unknown[]): Setup | Unready => {
    if (setup !== undefined) return setup
    try {
      if (typeof source === 'function') {
        base = createUnready(defaults, writeLine)
        // These are the arguments of the wrapped function, and the config function's types were checked against them.
        prepare(requireSynchronous(source(...(args as Args))))
      }
      setup = createSetup(base, args)
      if (typeof source === 'function') warn(base)
      return setup
    } catch (error) {
      reportConfigError(base, error)
      return base
    }
  }
  const forget = (): void => {
    // Another guard may have filled the part of the cache that this one uses from its first request on.
    const { decisions } = typeof source === 'function' ? (setup ?? base) : get([])
    decisions?.forget()
  }
  return { get, forget }
}

/** Returns what a config function has made. Throws `AuthConfigError` for a promise. */
function requireSynchronous(made: unknown): unknown {
  if (!isPromise(made)) return made
  ignore(made)
  throw new AuthConfigError('config', 'The config function must be synchronous, received a promise')
}

function createUnready(
  config: ResolvedConfig,
  writeLine: WriteLine,
  onEvent = config.onEvent,
): Base {
  const { credentials, namesCaller, verifier } = config
  const consumed = verifier?.consumes ?? []
  const channel = createChannel(onEvent, writeLine)
  return {
    ...channel,
    config,
    denials: new Denials({ ...config, ...channel }),
    readCredentials: createCredentialsReader(credentials, namesCaller),
    secretSources: [...credentials, ...consumed.map((name) => ({ consumed: name }))],
    alarm: undefined,
    decisions: undefined,
    authorize: undefined,
    guards: undefined,
    recall: undefined,
  }
}

function createSetup(base: Base, args: readonly unknown[]): Setup {
  const { config } = base
  const endpoint = findEndpoint(config, args)
  const setup = {
    ...base,
    ...createTokenFinder(config),
    checks: createCheckFactory(config.context, config.addressOf),
    decisions: new DecisionSource(config, endpoint, base),
    authorize: createAuthorize(config, base.notify),
    guards: guardsOf(base),
    isPublic: createPublicCheck(config.public),
    cameByUnknownRoute: dependsOnPath(config) ? createRouteCheck(base.notify) : undefined,
    alarm: createAlarm(base, endpoint),
  }
  return { ...setup, recall: createRecall(setup) }
}

function dependsOnPath({
  context,
  public: { length: publicPaths },
  routePolicy,
  authorize,
}: ResolvedConfig): boolean {
  return context.path || publicPaths > 0 || routePolicy !== undefined || authorize !== undefined
}

function findEndpoint(config: ResolvedConfig, args: readonly unknown[]): string | undefined {
  if (config.endpoint !== undefined || config.verifier !== undefined) return config.endpoint
  const endpoint = readEnvironment(args)
  if (endpoint !== undefined)
    return parseServiceUrl(endpoint, ['endpoint'], config.allowInsecureHttp)
  throw new AuthConfigError(
    'endpoint',
    '"endpoint" is missing: configure it, or set the variable AUTH_ENDPOINT (on Workers a binding in "vars" of wrangler.jsonc or wrangler.toml, which reaches the guard in the "env" argument of fetch)',
  )
}

function readEnvironment(args: readonly unknown[]): unknown {
  try {
    return endpointFromEnvironment(args)
  } catch {
    throw new AuthConfigError(
      'endpoint',
      'AUTH_ENDPOINT cannot be read from the environment: permit that (on Deno, --allow-env=AUTH_ENDPOINT), or configure "endpoint"',
    )
  }
}

function warn({ config, report, notify }: Base): void {
  for (const message of startWarnings(config)) notify({ type: 'warning', message })
  const tell = (message: string): void => report?.({ type: 'warning', message })
  if (config.mode === 'shadow') tell('"mode" is "shadow": no request is rejected')
  if (config.allowInsecureHttp) tell('"allowInsecureHttp" is true: tokens may travel in clear text')
}
