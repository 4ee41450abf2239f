import { Calls } from './call.ts'
import { KnownTokens } from './known-tokens.ts'
import { Partition, scopeOf, verdictOf } from './partition.ts'
import { SharedCalls } from './shared-calls.ts'
import { UnderWay } from './under-way.ts'
import { createAsk } from '../endpoint/checked-verifier.ts'
import { createEndpoint } from '../endpoint/endpoint.ts'
import { systemClock as clock } from '../runtime.ts'
import { createFacts } from '../request/check.ts'
import type { CallRules } from './call.ts'
import type { AskingMemory, CachedDecision, DecisionOptions } from './partition.ts'
import type { PartitionedCache, Scope } from '../seams.ts'
import type { Ask, ParsedVerdict } from '../endpoint/verdict.ts'
import type { AuthUnavailableError } from '../errors.ts'
import type { Check, CheckFacts } from '../request/check.ts'
import type { Channel } from '../response/events.ts'
import type { KnownAdmission } from '../response/admission.ts'

/** The options that decide about requests, with their defaults. */
interface Options extends DecisionOptions, CallRules {
  readonly cache: false | PartitionedCache
  readonly timeoutMs: number
}

/** How a check is answered. */
export interface PendingDecision {
  readonly facts: CheckFacts
  /** The error of an open circuit, or a promise of the verdict. The error is not thrown, since that costs as much as the rest of a rejection. */
  readonly pending: AuthUnavailableError | Promise<ParsedVerdict>
}

/** The sources of a guard's decisions: the cache, the calls of others, and the endpoint or the verifier in its place. */
export class DecisionSource {
  readonly #partition: Partition | undefined
  readonly #memory: AskingMemory
  readonly #calls: Calls
  readonly #shared: SharedCalls

  constructor(config: Options, endpoint: string | undefined, channel: Channel) {
    const { cache, timeoutMs, verifier } = config
    const partition = cache === false ? undefined : openPartition(cache, scopeOf(config, endpoint))
    const memory = partition ?? createMemory()
    const ask = createSource(config, endpoint, channel)
    const calls = new Calls({
      // A caller with a made-up token must not stop for all others what answers from memory.
      rules: verifier?.local === true ? undefined : config,
      memory,
      onCircuit: (state, of) => channel.report?.({ type: 'circuit', state, tokens: of }),
      clock,
    })
    this.#partition = partition
    this.#memory = memory
    this.#calls = calls
    this.#shared = new SharedCalls({
      run: (start) => calls.run(start, ask),
      timeoutMs,
      clock,
      memory,
      partition,
    })
  }

  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  lookUp(token: string, told: string): CachedDecision | undefined {
    return this.#partition?.lookUp(token, told)
  }

  recall(field: string): KnownAdmission | undefined {
    return this.#partition?.recall(field)
  }

  /** Asks without a look at the cache. */
  ask(check: Check): PendingDecision {
    const partition = this.#partition
    const now = clock.now()
    const facts = createFacts(partition === undefined ? 'off' : 'miss')
    const mayStandIn = partition?.hasStale === true || partition?.share !== undefined
    const refusal = mayStandIn ? undefined : this.#calls.refusalOf(check, now)
    if (refusal !== undefined && !this.#shared.canJoin(check, now)) {
      return { facts, pending: refusal }
    }
    const pending = this.#shared.ask(check, facts, now)
    if (partition?.hasStale !== true) return { facts, pending }
    const permits = (error: unknown): boolean => this.#calls.permitsStale(error)
    return { facts, pending: orStale(pending, partition, check, facts, permits) }
  }

  /** Forgets what is cached, known or under way, for all guards that decide alike. */
  forget(): void {
    this.#memory.forget()
  }
}

/** Outside of the shared call, so that each check looks for itself. */
export async function orStale(
  pending: Promise<ParsedVerdict>,
  partition: Partition,
  { token, told }: Check,
  facts: CheckFacts,
  permits: (error: unknown) => boolean,
): Promise<ParsedVerdict> {
  try {
    return await pending
  } catch (error) {
    if (!permits(error)) throw error
    // Looked up only now, after any other check's decision or an invalidation.
    const fresh = partition.lookUp(token, told)
    const decision = fresh ?? partition.lookUpStale(token, told)
    if (decision === undefined) throw error
    facts.cache = fresh === undefined ? 'stale' : 'hit'
    facts.verifier = decision.verifier
    return verdictOf(decision)
  }
}

function openPartition(cache: PartitionedCache, scope: Scope): Partition {
  const partition = cache.open(scope)
  if (partition instanceof Partition) return partition
  throw new TypeError('The cache opened no partition')
}

/** The memory of a guard without a cache. */
function createMemory(): AskingMemory {
  const tokens = new KnownTokens()
  const calls = new UnderWay()
  const forget = (): void => {
    tokens.forget()
    calls.outdate()
  }
  return { tokens, calls, forget }
}

function createSource(config: Options, endpoint: string | undefined, channel: Channel): Ask {
  const { verifier, identity, endpointHeaders: headers, fetch } = config
  if (verifier !== undefined) return createAsk(verifier.verify, identity, channel)
  if (endpoint === undefined) throw new TypeError('The config has no endpoint and no verifier')
  const verify = createEndpoint({ url: endpoint, headers, identity, fetch })
  return createAsk(verify, 'optional', channel)
}
