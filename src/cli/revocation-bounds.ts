import { LABEL } from '../keys/verifier.ts'
import type { CheckedVerifier } from '../core/endpoint/checked-verifier.ts'
import type { ResolvedConfig } from '../core/config/parse.ts'

/** How long a revoked key may work: with a store, while it can be reached, while it cannot, and if nobody announces it. */
interface RevocationBounds {
  /** `null` if some keys or tokens cannot be revoked. */
  readonly revokedKeyWorksForMs: number | null
  readonly revokedKeyWorksWithoutStoreMs?: number
  readonly revokedKeyWorksUnannouncedMs?: number
}

type Bounds = RevocationBounds & { readonly revokedKeyWorksForMs: number }

type Revocable = Pick<ResolvedConfig, 'cache' | 'timeoutMs' | 'verifier'>

/** Each request asks whether the file of keys has changed. */
const FILE_MS = 1000

/** The API server of Kubernetes answers for as long from its own cache. */
const API_SERVER_MS = 10_000

/** How access ends where no revocation ends it, by the label of the verifier. */
const ENDS: ReadonlyMap<string | undefined, string> = new Map([
  ['jwt', 'a token works until it ends by itself'],
  ['keys', 'a key works until this process is started without it'],
  ['upstream', 'the proxy in front says who calls'],
])

/**
 * How long a revoked key may still be allowed, in milliseconds. A cached decision ages from the moment of the call (jitter only
 * shortens its life), and lives longer while the endpoint is unavailable. A call that began before the revocation may still
 * allow the key until its timeout.
 */
export function revocationBounds(config: Revocable): RevocationBounds {
  const cannotRevoke = labelsIn(config).some((label) => ENDS.has(label))
  return cannotRevoke ? { revokedKeyWorksForMs: null } : boundsOf(config)
}

/** The promise to the operator. Rounded up, so that it is never too short. */
export function describeRevocation(config: Revocable): string {
  const sentences = labelsIn(config).map((label) => ENDS.get(label) ?? describeBounds(config))
  return [...new Set(sentences)].join('; ')
}

function labelsIn({ verifier }: Revocable): readonly (string | undefined)[] {
  return verifier === undefined ? [undefined] : verifier.members.map(({ label }) => label)
}

/** Whether it decides by a file of keys, whose decisions are not cached. */
function isOfFile({ label, local }: CheckedVerifier): boolean {
  return label === LABEL && local === true
}

function boundsOf(config: Revocable): Bounds {
  const { cache, timeoutMs, verifier } = config
  const revocable = verifier?.members.filter(({ label }) => !ENDS.has(label))
  if (revocable?.every(isOfFile)) return { revokedKeyWorksForMs: FILE_MS }
  const clusterMs = labelsIn(config).includes('kubernetes') ? API_SERVER_MS : 0
  if (cache === false) return { revokedKeyWorksForMs: timeoutMs + clusterMs }
  const { allowTtlMs, staleIfErrorMs, store } = cache.describe()
  const unannouncedMs = Math.max(allowTtlMs + staleIfErrorMs, timeoutMs)
  if (store === undefined) return { revokedKeyWorksForMs: unannouncedMs + clusterMs }
  return {
    revokedKeyWorksForMs: Math.min(store.revocationMs, unannouncedMs) + clusterMs,
    revokedKeyWorksWithoutStoreMs: Math.min(store.lostPushTtlMs, unannouncedMs) + clusterMs,
    revokedKeyWorksUnannouncedMs: unannouncedMs + clusterMs,
  }
}

function describeBounds(config: Revocable): string {
  const {
    revokedKeyWorksForMs: forMs,
    revokedKeyWorksWithoutStoreMs: lostMs,
    revokedKeyWorksUnannouncedMs: longestMs,
  } = boundsOf(config)
  const told = `a revoked key works for at most ${inSeconds(forMs)} for new requests`
  if (lostMs === undefined || longestMs === undefined) return told
  const lost =
    lostMs === forMs ? '' : `, and ${inSeconds(lostMs)} while the store cannot be reached`
  return `${told}${lost}; ${inSeconds(longestMs)} if nobody announces it`
}

function inSeconds(ms: number): string {
  return `${Math.ceil(ms / 100) / 10} s`
}
