import { within } from '../../core/async.ts'
import { resolveConfig } from '../../core/config/parse.ts'
import { createGate, enter } from '../../core/gate.ts'
import { createCredentialsReader } from '../../core/request/credentials.ts'
import { scopeOf } from '../../core/asking/partition.ts'
import { addFacts } from '../../core/response/decision-event.ts'
import { openObserved, readGuardConfig } from './guard-config.ts'
import { createEndpointProof, createRandomKeyAsker } from '../proof.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import { followFile } from './config-file.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { AddressOf, ResolvedConfig } from '../../core/config/parse.ts'
import type { Gate } from '../../core/gate.ts'
import type { Auth } from '../../core/types.ts'
import type { KeyPlace } from '../../keys.ts'
import type { WatchedConfig } from '../../yaml.ts'
import type { CommandLine } from '../command-line.ts'
import type { DecisionLog } from '../log.ts'
import type { EndpointProof, ProofState } from '../proof.ts'
import type { Surroundings } from '../surroundings.ts'
import type { FrontOptions } from './front.ts'
import type { KeyObservers } from './guard-config.ts'
import type { RequestLog } from './request-log.ts'

/** Decides about requests. With `--config` it follows changes of the file. */
export interface LiveGuard extends Pick<FrontOptions, 'guarded' | 'proof' | 'describe'> {
  readonly config: () => AuthConfig
  readonly stop: () => void
}

export interface LiveGuardOptions {
  readonly line: CommandLine
  readonly surroundings: Surroundings
  readonly log: DecisionLog
  /** Measures when the next of these keys expires. */
  readonly followKeys: (place: KeyPlace) => void
  readonly onEvent: RequestLog['onEvent']
  /** Adds what the command line and the connection say. Throws for a config that the command cannot use. */
  readonly complete: (config: AuthConfig) => AuthConfig
  /** Returns what finds out the address of the client, for a config. */
  readonly addressFor: (config: AuthConfig) => AddressOf
  /** Handles an admitted request. */
  readonly passOn: (request: Request, auth: Auth | undefined) => Promise<Response>
}

/** The parts of one configuration. They are replaced together, so that no request meets parts of two configurations. */
interface Stage {
  readonly config: AuthConfig
  readonly resolved: ResolvedConfig
  readonly proof: EndpointProof
  readonly gate: Gate
  readonly describe: FrontOptions['describe']
}

const OPEN =
  'the auth endpoint allowed a random key. ' +
  'Is its URL a health check or a web page? Run "with-auth check URL"'
const OPEN_PROVIDER =
  'the provider in server.auth allowed a random key. Does its URL lead to the right service?'
const WHILE_OPEN = {
  enforce: 'Every request is rejected for now: ',
  shadow: 'Shadow mode rejects no request, but ',
}

/** How long a new configuration waits for its proof. After that it takes effect, and every request is rejected until the proof. */
const PROOF_WAIT_MS = 2000

/** Reads the configuration and asks for the first proof. Rejects if the endpoint allows a random key. */
export async function startLiveGuard(options: LiveGuardOptions): Promise<LiveGuard> {
  const { line, surroundings } = options
  let begin: ((guard: Guard) => void) | undefined
  const started = new Promise<Guard>((resolve) => (begin = resolve))
  let file: WatchedConfig | undefined
  const observers = observeKeys(options)
  const load = async (name: string): Promise<AuthConfig> => {
    file = await followFile(name, options, started, (place) => openObserved(place, observers))
    return file.config
  }
  const read = await readGuardConfig(line, surroundings, observers, load)
  let guard: Guard | undefined
  const stop = (): void => {
    file?.close()
    guard?.stop()
  }
  try {
    const config = options.complete(read)
    const first = createStage(config, options)
    guard = createGuard(first, options)
    await first.proof.start()
    if (guard.proof.state() === 'open') {
      throw new Error(`The command does not start: ${openOf(config)}`)
    }
    begin?.(guard)
    return { ...guard, stop }
  } catch (error) {
    stop()
    throw error
  }
}

function observeKeys({ log, followKeys }: LiveGuardOptions): KeyObservers {
  return { onOpen: followKeys, onError: ({ message }) => log({ type: 'keys_error', message }) }
}

function openOf({ verifier }: AuthConfig): string {
  return verifier === undefined ? OPEN : OPEN_PROVIDER
}

function createStage(
  config: AuthConfig,
  { log, surroundings, onEvent, addressFor }: LiveGuardOptions,
  before?: Stage,
): Stage {
  const addressOf = addressFor(config)
  const resolved = resolveConfig(config, addressOf)
  // The same endpoint stays proven, even if it is unavailable while the file changes.
  const isSame = before !== undefined && decidesLike(before.resolved, resolved)
  const state = isSame ? before.proof.state() : undefined
  const gate = createGate({ ...config, onEvent }, addressOf)
  // The command ends if the first endpoint is open from the start, and says so then.
  let isStart = before === undefined && resolved.mode !== 'shadow'
  const onChange = (next: ProofState, cause?: string): void => {
    const isNoted = next === 'open' && !isStart
    isStart = false
    // An endpoint that allowed every key has filled the cache with wrong decisions.
    gate.forget()
    log({ type: 'endpoint', state: next, cause })
    if (isNoted) surroundings.note(`with-auth: ${WHILE_OPEN[resolved.mode]}${openOf(config)}\n`)
  }
  const proof = createEndpointProof({
    ask: createRandomKeyAsker({ ...config, onEvent }),
    onChange,
    state,
  })
  return { config, resolved, proof, gate, describe: createDescription(resolved) }
}

function decidesLike(one: ResolvedConfig, other: ResolvedConfig): boolean {
  const first = scopeOf(one, one.endpoint)
  const second = scopeOf(other, other.endpoint)
  return first.common === second.common && first.own === second.own
}

/** For requests that are rejected before the guard. Hides the token, as the events of the guard do. */
function createDescription(config: ResolvedConfig): FrontOptions['describe'] {
  const readCredentials = createCredentialsReader(config.credentials, config.namesCaller)
  const setup = { config, readCredentials }
  return (request, path, method) =>
    addFacts({ path: '', method: '' }, { request, setup, target: { path, query: '' } }, method)
}

type Guard = ReturnType<typeof createGuard>

function createGuard(first: Stage, options: LiveGuardOptions) {
  let stage = first
  let newest: Stage | undefined = first
  const logConfig = (): void => {
    const { cache } = stage.resolved
    const hasStore = cache !== false && cache.describe().store !== undefined
    options.log({ type: 'config', ...revocationBounds(stage.resolved), hasStore })
  }
  let latest = Promise.resolve()
  /** Switches to another configuration, after the proof of its endpoint. */
  const replace = async (config: AuthConfig): Promise<void> => {
    if (newest === undefined) return
    const next = createStage(config, options, stage)
    newest = next
    const proven = next.proof.start()
    if (next.proof.state() !== 'proven') await within(PROOF_WAIT_MS, proven)
    if (newest !== next) {
      next.proof.stop()
      return newest === undefined ? undefined : latest
    }
    const before = stage
    before.proof.stop()
    stage = next
    logConfig()
    noteRevocation(before.resolved, next.resolved, options)
  }
  return {
    guarded: (request: Request) =>
      enter(
        stage.gate.decide(request, []),
        ({ auth }) => options.passOn(request, auth),
        ({ response }) => response,
      ),
    // Shadow mode rejects nothing, so it needs no proof.
    proof: {
      state: (): ProofState => (stage.resolved.mode === 'shadow' ? 'proven' : stage.proof.state()),
      cause: () => stage.proof.cause(),
    },
    describe: (...described: Parameters<FrontOptions['describe']>) => stage.describe(...described),
    config: () => stage.config,
    /** Resolves after the switch, to a later configuration if there is one by then. */
    replace: (config: AuthConfig): Promise<void> => (latest = replace(config)),
    logConfig,
    stop: () => {
      newest = undefined
      stage.proof.stop()
      if (stage.resolved.cache) stage.resolved.cache.stop()
    },
  }
}

function noteRevocation(
  before: ResolvedConfig,
  now: ResolvedConfig,
  { line, surroundings }: LiveGuardOptions,
): void {
  const sentence = describeRevocation(now)
  if (line.has('json') || sentence === describeRevocation(before)) return
  surroundings.note(`with-auth: the configuration was reloaded (${sentence})\n`)
}
