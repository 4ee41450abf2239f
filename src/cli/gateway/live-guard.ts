import { within } from '../../core/async.ts'
import { resolveConfig } from '../../core/config/parse.ts'
import { createGate, enter } from '../../core/gate.ts'
import { asksTheSame } from '../../core/policies/handover.ts'
import { createCredentialsReader } from '../../core/request/credentials.ts'
import { presentedToken, readRequestId, shownPath } from '../../core/response/decision-event.ts'
import { findLoneMount } from '../../files/lone-mount.ts'
import { watchConfig } from '../../yaml.ts'
import { completeConfig, readGuardConfig } from './guard-config.ts'
import { createEndpointProof, createRandomKeyAsker } from '../proof.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import { equipLike, equipWithTransport } from './transport.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { ResolvedConfig } from '../../core/config/parse.ts'
import type { Gate } from '../../core/gate.ts'
import type { CommandLine } from '../command-line.ts'
import type { DecisionLog } from '../log.ts'
import type { EndpointProof, ProofState } from '../proof.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ClientAddresses } from './client-address.ts'
import type { FrontOptions } from './front.ts'
import type { RequestLog } from './request-log.ts'
import type { EquippedConfig } from './transport.ts'

/** Decides about requests. With `--config` it follows changes of the file. */
export interface LiveGuard extends Pick<FrontOptions, 'guarded' | 'proof' | 'describe'> {
  readonly equipped: () => EquippedConfig
  readonly stop: () => void
}

export interface LiveGuardOptions {
  readonly line: CommandLine
  readonly surroundings: Surroundings
  readonly log: DecisionLog
  readonly onEvent: RequestLog['onEvent']
  readonly addressOf: ClientAddresses['addressOf']
  /** Handles an admitted request. */
  readonly passOn: (request: Request) => Promise<Response>
}

/** The parts of one configuration. They are replaced together, so that no request meets parts of two configurations. */
interface Stage {
  readonly equipped: EquippedConfig
  readonly resolved: ResolvedConfig
  readonly proof: EndpointProof
  readonly gate: Gate
  readonly describe: FrontOptions['describe']
}

const OPEN =
  'The auth endpoint allowed a random key. ' +
  'Is its URL a health check or a web page? Run "with-auth check URL"'

/** How long a new configuration waits for its proof. After that it takes effect, and every request is rejected until the proof. */
const PROOF_WAIT_MS = 2000

const MOUNT_ADVICE =
  'Mount the folder instead (Kubernetes: without subPath), or restart the gateway after each change'

/** Reads the configuration and asks for the first proof. Rejects if the endpoint allows a random key. */
export async function startLiveGuard(options: LiveGuardOptions): Promise<LiveGuard> {
  const { line, surroundings, log } = options
  const read = await readGuardConfig(line, surroundings, ({ message }) =>
    log({ type: 'keys_error', message }),
  )
  const equipped = await equipWithTransport(completeConfig(read, options), surroundings)
  const first = createStage(equipped, options)
  await first.proof.start()
  const guard = createGuard(first, options)
  try {
    if (guard.proof.state() === 'open') throw new Error(OPEN)
    const file = line.text('config')
    if (file === undefined) return guard
    const close = await followFile(file, read, guard, options)
    return {
      ...guard,
      stop: () => {
        close()
        guard.stop()
      },
    }
  } catch (error) {
    guard.stop()
    throw error
  }
}

function createStage(
  equipped: EquippedConfig,
  { log, surroundings, onEvent }: LiveGuardOptions,
  before?: Stage,
): Stage {
  const { config } = equipped
  const resolved = resolveConfig(config)
  // The same endpoint stays proven, even if it is unavailable while the file changes.
  const isSame = before !== undefined && asksTheSame(before.resolved, resolved)
  const state = isSame ? before.proof.state() : undefined
  const gate = createGate(
    { ...config, onEvent },
    state === 'proven' ? before?.gate.handOver() : undefined,
  )
  const onChange = (next: ProofState, cause?: string): void => {
    // An endpoint that allowed every key has filled the cache with wrong decisions.
    gate.forget()
    log({ type: 'endpoint', state: next, cause })
    if (next !== 'open') return
    surroundings.note(
      `with-auth: ${OPEN}. Every request is rejected until it denies a random key\n`,
    )
  }
  const proof = createEndpointProof({ ask: createRandomKeyAsker(config), onChange, state })
  return { equipped, resolved, proof, gate, describe: createDescription(resolved) }
}

/** For requests that are rejected before the guard. Hides the token, as the events of the guard do. */
function createDescription({
  credentials,
  tokenFormat,
  requestIdHeader,
}: ResolvedConfig): FrontOptions['describe'] {
  const readCredentials = createCredentialsReader(credentials, tokenFormat)
  return (request, path) => {
    const token = presentedToken(request, readCredentials)
    const requestId = readRequestId(request, requestIdHeader, token)
    return { path: shownPath(path, token), ...(requestId === undefined ? {} : { requestId }) }
  }
}

function createGuard(first: Stage, options: LiveGuardOptions) {
  let stage = first
  let newest: Stage | undefined = first
  const logConfig = (): void => options.log({ type: 'config', ...revocationBounds(stage.resolved) })
  let latest = Promise.resolve()
  /** Switches to another configuration, after the proof of its endpoint. */
  const replace = async (config: AuthConfig): Promise<void> => {
    if (newest === undefined) return
    const next = createStage(equipLike(stage.equipped, config), options, stage)
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
    // The watch has a store of its own from the first change on.
    if (before.resolved.store !== next.resolved.store) before.resolved.store?.stop()
    logConfig()
    noteRevocation(before.resolved, next.resolved, options)
  }
  return {
    guarded: (request: Request) =>
      enter(
        stage.gate.decide(request, []),
        () => options.passOn(request),
        ({ response }) => response,
      ),
    // Shadow mode rejects nothing, so it needs no proof.
    proof: {
      state: (): ProofState => (stage.resolved.mode === 'shadow' ? 'proven' : stage.proof.state()),
      cause: () => stage.proof.cause(),
    },
    describe: (request: Request, path: string) => stage.describe(request, path),
    equipped: () => stage.equipped,
    /** Resolves after the switch, to a later configuration if there is one by then. */
    replace: (config: AuthConfig): Promise<void> => (latest = replace(config)),
    logConfig,
    stop: () => {
      newest = undefined
      stage.proof.stop()
      stage.resolved.store?.stop()
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

/** Applies each change of a file, or only the latest of several. A broken file leaves the last valid configuration in place. */
async function followFile(
  file: string,
  read: AuthConfig,
  guard: ReturnType<typeof createGuard>,
  options: LiveGuardOptions,
): Promise<() => void> {
  const { log, surroundings } = options
  const onError = (error: unknown): void => {
    const message = error instanceof Error ? error.message : 'The configuration cannot be used'
    log({ type: 'config_error', message })
  }
  const onChange = (changed: AuthConfig): Promise<void> => {
    // Throws if the request id header carries credentials. `watchConfig` passes that to `onError`.
    const config = completeConfig(changed, options)
    // Its store is needed until the switch.
    return guard.replace(config).catch(onError)
  }
  const whyNot = findLoneMount(file)
  if (whyNot !== undefined) {
    surroundings.note(
      `with-auth: the gateway may miss a change of ${file}: ${whyNot}. ${MOUNT_ADVICE}\n`,
    )
  }
  const watched = await watchConfig(file, { onChange, onError, onRecover: guard.logConfig })
  // The file may have changed between the first read and the watch, which has a store of its own.
  const isSame = JSON.stringify(watched.config) === JSON.stringify(read)
  if (!isSame || read.store !== undefined) void onChange(watched.config)
  return () => watched.close()
}
