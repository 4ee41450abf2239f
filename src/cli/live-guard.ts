import process from 'node:process'
import { createGate } from '../core/authenticator.ts'
import { resolveConfig } from '../core/config.ts'
import { createCredentialsReader } from '../core/credentials.ts'
import { presentedToken, readRequestId, shownPath } from '../core/decision-event.ts'
import { asksTheSame } from '../core/handover.ts'
import { whenDecided } from '../core/with-auth.ts'
import { findLoneMount } from '../files/lone-mount.ts'
import { watchConfig } from '../yaml.ts'
import { createEndpointProof } from './endpoint-proof.ts'
import { equipLike, equipWithTransport } from './endpoint-transport.ts'
import { readGuardConfig, withRequestIdHeader } from './guard-config.ts'
import { createRandomKeyAsker } from './random-key.ts'
import { describeRevocation, revokedKeyWorksForMs } from './revocation.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { ResolvedConfig } from '../core/config.ts'
import type { Gate } from '../core/decision.ts'
import type { CommandLine } from './command-line.ts'
import type { DecisionLog } from './decision-log.ts'
import type { RequestLog } from './request-log.ts'
import type { EndpointProof, ProofState } from './endpoint-proof.ts'
import type { EquippedConfig } from './endpoint-transport.ts'
import type { FrontOptions } from './front.ts'
import type { Surroundings } from './surroundings.ts'

/** Decides about requests by the current configuration: with `--config` it follows the file. */
export interface LiveGuard extends Pick<FrontOptions, 'guarded' | 'proof' | 'describe'> {
  readonly equipped: () => EquippedConfig
  readonly stop: () => void
}

export interface LiveGuardOptions {
  readonly line: CommandLine
  readonly surroundings: Surroundings
  readonly log: DecisionLog
  readonly onEvent: RequestLog['onEvent']
  /** Answers the requests that are admitted. */
  readonly passOn: (request: Request) => Promise<Response>
}

/** The parts that one configuration makes. They are replaced together, so that no request meets parts of two. */
interface Stage {
  readonly equipped: EquippedConfig
  readonly resolved: ResolvedConfig
  readonly proof: EndpointProof
  readonly gate: Gate
  readonly describe: FrontOptions['describe']
}

interface ReplaceableGuard extends LiveGuard {
  /** Proves the endpoint of another configuration, then decides by it. */
  readonly replace: (config: AuthConfig) => Promise<void>
  readonly logConfig: () => void
}

const OPEN =
  'The auth endpoint allows every key: it answered 200 to a random one. ' +
  'Is its URL that of a health check or of a web page? Run "with-auth check URL"'

const MOUNT_ADVICE =
  'Mount its folder instead (Kubernetes: without subPath), or restart the gateway after a change'

/** Starts to decide by what the command line names. Rejects if the endpoint allows a made-up key. */
export async function startLiveGuard(options: LiveGuardOptions): Promise<LiveGuard> {
  const { line, surroundings, log } = options
  const read = await readGuardConfig(line, surroundings, ({ message }) =>
    log({ type: 'keys_error', message }),
  )
  const equipped = await equipWithTransport(withRequestIdHeader(read, line), surroundings)
  const guard = createGuard(await createStage(equipped, options), options)
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

async function createStage(
  equipped: EquippedConfig,
  { log, surroundings, onEvent }: LiveGuardOptions,
  before?: Stage,
): Promise<Stage> {
  const { config } = equipped
  const resolved = resolveConfig(config)
  // An endpoint that was proven stays so: an outage while the file changes says nothing about it.
  const isSame = before !== undefined && asksTheSame(before.resolved, resolved)
  const proof = createProof(config, isSame ? before.proof.state() : undefined, log, surroundings)
  await proof.start()
  const gate = createGate({ ...config, onEvent }, before?.gate.handOver())
  return { equipped, resolved, proof, gate, describe: createDescription(resolved) }
}

/** For requests that the guard does not see: it leaves out what holds the token, as the guard does. */
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

function createProof(
  config: AuthConfig,
  state: ProofState | undefined,
  log: DecisionLog,
  { note }: Pick<Surroundings, 'note'>,
): EndpointProof {
  const onChange = (next: ProofState, cause?: string): void => {
    log({ type: 'endpoint', state: next, cause })
    if (next === 'open')
      note(`with-auth: ${OPEN}. Every request is rejected until it denies a random key\n`)
  }
  return createEndpointProof({ ask: createRandomKeyAsker(config), onChange, state })
}

function createGuard(first: Stage, options: LiveGuardOptions): ReplaceableGuard {
  let stage = first
  let isStopped = false
  const logConfig = (): void =>
    options.log({ type: 'config', revokedKeyWorksForMs: revokedKeyWorksForMs(stage.resolved) })
  return {
    guarded: (request) =>
      whenDecided(stage.gate.decide(request, []), () => options.passOn(request)),
    // Shadow mode rejects no request, whatever the endpoint answers.
    proof: {
      state: () => (stage.resolved.mode === 'shadow' ? 'proven' : stage.proof.state()),
      cause: () => stage.proof.cause(),
    },
    describe: (request, path) => stage.describe(request, path),
    equipped: () => stage.equipped,
    replace: async (config) => {
      if (isStopped) return
      const before = stage
      before.proof.stop()
      const next = await createStage(equipLike(before.equipped, config), options, before)
      if (isStopped) return next.proof.stop()
      stage = next
      logConfig()
      noteRevocation(before.resolved, next.resolved, options)
    },
    logConfig,
    stop: () => {
      isStopped = true
      stage.proof.stop()
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
  surroundings.note(`with-auth: the configuration has changed (${sentence})\n`)
}

/** Takes over each change of a file, one after the other. The last good configuration stays while the file is broken. */
async function followFile(
  file: string,
  read: AuthConfig,
  guard: ReplaceableGuard,
  { line, log, surroundings }: LiveGuardOptions,
): Promise<() => void> {
  let changes: Promise<unknown> = Promise.resolve()
  const onError = (error: unknown): void => {
    const message = error instanceof Error ? error.message : 'The configuration cannot be used'
    log({ type: 'config_error', message })
  }
  const onChange = (changed: AuthConfig): void => {
    // Throws for credentials in the header that the log shows. `watchConfig` passes that to `onError`.
    const config = withRequestIdHeader(changed, line)
    changes = changes.then(() => guard.replace(config)).catch(onError)
  }
  const whyNot = findLoneMount(file, process)
  if (whyNot !== undefined) {
    surroundings.note(
      `with-auth: the gateway may miss a change of ${file}: ${whyNot}. ${MOUNT_ADVICE}\n`,
    )
  }
  const watched = await watchConfig(file, { onChange, onError, onRecover: guard.logConfig })
  // The file may have changed since it was read.
  if (JSON.stringify(watched.config) !== JSON.stringify(read)) onChange(watched.config)
  return () => watched.close()
}
