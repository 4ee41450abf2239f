import { resolveConfig } from './config/parse.ts'
import { createCredentialsReader } from './request/credentials.ts'
import { createDenials } from './response/denial.ts'
import { checkEndpoint } from './config/endpoint.ts'
import { endpointFromEnvironment } from './runtime.ts'
import { AuthConfigError } from './errors.ts'
import { createChannel, createConsole, reportConfigError } from './events.ts'
import { createAlarm } from './response/alarm.ts'
import { createCheckFactory } from './request/check.ts'
import { ignore, isPromise } from './async.ts'
import { takeOver } from './policies/handover.ts'
import { createVerifier } from './policies/compose.ts'
import type { CheckFactory } from './request/check.ts'
import type { ResolvedConfig } from './config/parse.ts'
import type { CredentialsReader } from './request/credentials.ts'
import type { Denials } from './response/denial.ts'
import type { Channel, Report, WriteLine } from './events.ts'
import type { Alarm } from './response/alarm.ts'
import type { Handover } from './policies/handover.ts'
import type { AuthConfig, AuthConfigSource } from './auth-config.ts'
import type { ComposedVerifier } from './policies/compose.ts'

const UNKNOWN_ROUTE =
  'A request came through the "routes" of Bun.serve. Bun matches the path as it was sent, so this wrapper cannot know which route runs: guard the routes with withAuthRoutes'

/** What is there even when a request cannot be decided about: how to refuse it, and whom to tell. */
interface Basics extends Channel {
  readonly denials: Denials
  /** `undefined` with an observer, which sees each decision, and without a config, which is reported by itself. */
  readonly alarm: Alarm | undefined
  /** Where the key of a request may be; nowhere without a config. */
  readonly credentials: ResolvedConfig['credentials']
  readonly readCredentials: CredentialsReader
  readonly requestIdHeader: ResolvedConfig['requestIdHeader']
}

/** Nothing more is there. */
export interface Unready extends Basics {
  readonly verifier: undefined
}

/** Everything that deciding about a request needs, made once. */
export interface Setup extends Basics {
  readonly config: ResolvedConfig
  readonly checks: CheckFactory
  readonly verifier: ComposedVerifier
  readonly handover: Handover
  /** Tells of a request that came by a route that is not known; absent where no decision depends on the path. */
  readonly complainOfRoute: (() => void) | undefined
}

/** Gives the setup for a request's extra arguments. Never throws; why it is not ready has been reported. */
export interface SetupSource {
  readonly get: (args: readonly unknown[]) => Setup | Unready
  /** Forgets the verdicts of a token, or all. */
  readonly forget: (token?: string) => void
  /** For the source that replaces this one. */
  readonly handOver: () => Handover | undefined
}

/**
 * Makes the source of the setup. A config object is checked now, and throws `AuthConfigError`. A config function is
 * called with the first request's extra arguments, and with the next one's until it has succeeded once.
 *
 * @param handover From the source that this one replaces. Only a config object takes it over.
 */
export function createSetupSource<Args extends readonly unknown[]>(
  source: AuthConfigSource<Args> | undefined,
  handover?: Handover,
): SetupSource {
  if (typeof source === 'function') return fromFunction(source)
  return fromObject(source === undefined ? {} : source, handover)
}

function fromObject(source: AuthConfig, handover: Handover | undefined): SetupSource {
  const config = resolveConfig(source)
  const base = createUnready(config, createConsole())
  warn(config, base.report)
  let setup: Setup | undefined
  let inherited = handover
  const get = (args: readonly unknown[]): Setup | Unready => {
    if (setup !== undefined) return setup
    try {
      setup = createSetup(config, base, args, inherited)
      inherited = undefined
      return setup
    } catch (error) {
      reportConfigError(base, error)
      return base
    }
  }
  const forget: SetupSource['forget'] = (token) => {
    inherited = undefined
    setup?.verifier.forget(token)
  }
  return { get, forget, handOver: () => setup?.handover ?? inherited }
}

function fromFunction<Args extends readonly unknown[]>(
  source: (...args: Args) => unknown,
): SetupSource {
  const writeLine = createConsole()
  let setup: Setup | undefined
  const get = (args: readonly unknown[]): Setup | Unready => {
    if (setup !== undefined) return setup
    let base = createUnready({}, writeLine)
    try {
      // These are the arguments of the wrapped function, whose types the config function was checked against.
      const made = refusePromise(source(...(args as Args)))
      base = createUnready({ onEvent: observerOf(made) }, writeLine)
      const config = resolveConfig(made)
      base = createUnready(config, writeLine)
      setup = createSetup(config, base, args)
      warn(config, base.report)
      return setup
    } catch (error) {
      reportConfigError(base, error)
      return base
    }
  }
  const forget: SetupSource['forget'] = (token) => setup?.verifier.forget(token)
  return { get, forget, handOver: () => setup?.handover }
}

function createUnready(config: Partial<ResolvedConfig>, writeLine: WriteLine): Unready {
  const { realm = 'api', unavailableStatus = 401, credentials = [], respond, onEvent } = config
  const { requestIdHeader = false, tokenFormat = 'token68' } = config
  const channel = createChannel(onEvent, writeLine)
  return {
    ...channel,
    denials: createDenials({ realm, unavailableStatus, respond, notify: channel.notify }),
    credentials,
    readCredentials: createCredentialsReader(credentials, tokenFormat),
    requestIdHeader,
    alarm: undefined,
    verifier: undefined,
  }
}

function createSetup(
  config: ResolvedConfig,
  base: Unready,
  args: readonly unknown[],
  handover?: Handover,
): Setup {
  const endpoint = findEndpoint(config, args)
  const asked = { ...config, endpoint }
  const verifier = createVerifier(config, endpoint, base, takeOver(handover, asked))
  return {
    ...base,
    config,
    checks: createCheckFactory(config.context, [endpoint ?? 'verifier', config.identity]),
    verifier,
    handover: { config: asked, memory: verifier.memory },
    complainOfRoute: createComplainOfRoute(config, base),
    alarm: base.report === undefined ? createAlarm(endpoint, base.writeLine) : undefined,
  }
}

// Once: each such request is rejected, and its decision is reported.
function createComplainOfRoute(
  { context, hasPublicPaths }: ResolvedConfig,
  { notify }: Channel,
): Setup['complainOfRoute'] {
  if (!context.path && !hasPublicPaths) return undefined
  let isTold = false
  return () => {
    if (isTold) return
    isTold = true
    notify({ type: 'config_error', message: UNKNOWN_ROUTE })
  }
}

function findEndpoint(config: ResolvedConfig, args: readonly unknown[]): string | undefined {
  if (config.endpoint !== undefined || config.verifier !== undefined) return config.endpoint
  const endpoint = readEnvironment(args)
  if (endpoint !== undefined) return checkEndpoint(endpoint, config.allowInsecureHttp)
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

function refusePromise(made: unknown): unknown {
  if (!isPromise(made)) return made
  ignore(made)
  throw new AuthConfigError('config', 'The config function must be synchronous, received a promise')
}

// A config that is refused may still say whom to tell.
function observerOf(made: unknown): AuthConfig['onEvent'] {
  const observer: unknown =
    typeof made === 'object' && made !== null ? Reflect.get(made, 'onEvent') : undefined
  return typeof observer === 'function' ? (event) => observer(event) : undefined
}

function warn(config: ResolvedConfig, report: Report | undefined): void {
  if (config.mode === 'shadow') {
    report?.({ type: 'warning', message: '"mode" is "shadow": nobody is refused' })
  }
  if (config.allowInsecureHttp) {
    report?.({
      type: 'warning',
      message: '"allowInsecureHttp" is true: tokens may travel in clear',
    })
  }
}
