import { newFence } from './revocations.ts'
import { slotName, slotOf, tokenIdOf } from './names.ts'
import { settleWithin } from './timing.ts'
import type { Recalled, SharedAllow, SharedDecisions, SharedQuestion } from '../core/seams.ts'
import type { Link } from './engine.ts'
import type { Lease } from './lease.ts'
import type { Names } from './names.ts'
import type { Place, Sealer } from './seal.ts'
import type { Timing } from './timing.ts'

interface SharingOptions {
  readonly names: Names
  /** The first one seals. */
  readonly sealers: readonly Sealer[]
  readonly scope: string | undefined
  readonly timeoutMs: number
  readonly timing: Timing
  readonly lease: Pick<Lease, 'trusts'>
  /** The link, if it is ready and no revocation of the slot is waiting for it. */
  readonly linkFor: (slot: string) => { readonly link: Link; readonly run: string } | undefined
  readonly warn: (message: string) => void
}

interface Named {
  readonly sealer: Sealer
  readonly name: Uint8Array
  readonly key: string
}

const FENCE_BYTES = 12
const MAX_FAILURES = 5
const OPEN_MS = 1000
const MANY_UNOPENED = 100
const UNOPENED =
  'Many values of the store do not open: do all instances have the same "secret", and are they the only ones that write below "prefix"?'
const WRONG_FENCE =
  'A number of the store has a wrong length, so nothing is shared: does another program write below "prefix"?'

/** Shares allows by way of the engine. A writer of the engine can delete them, and cannot make one. */
export function createSharedDecisions(options: SharingOptions): SharedDecisions {
  const { names, sealers, scope, timeoutMs, timing, lease, linkFor, warn } = options
  let failures = 0
  let openUntil = -Infinity
  let unopened = 0

  const openAny = (values: Values, named: readonly Named[], place: Omit<Place, 'name'>) => {
    for (const [index, { sealer, name }] of named.entries()) {
      const value = values[2 + index]
      const allow = value === undefined ? undefined : sealer.open(value, { ...place, name })
      // A few are expected, such as what was sealed before a revocation.
      unopened = allow === undefined ? unopened + Number(value !== undefined) : 0
      if (allow !== undefined) return allow
    }
    if (unopened >= MANY_UNOPENED) warn(UNOPENED)
    return undefined
  }
  const look = async ({ token, told }: SharedQuestion): Promise<Recalled> => {
    const tokenId = tokenIdOf(token)
    const slotNumber = slotOf(tokenId)
    const slot = slotName(slotNumber)
    const current = linkFor(slot)
    if (current === undefined) return {}
    const { link, run } = current
    const named = sealers.map((sealer): Named => {
      const name = sealer.nameOf(tokenId, told)
      const key = names.value(Buffer.from(name.subarray(0, 16)).toString('base64url'))
      return { sealer, name, key }
    })
    const fenceKeys = [names.fence('all').key, names.fence(slot).key] as const
    const values = await readFenced(
      link,
      fenceKeys,
      named.map(({ key }) => key),
    )
    const [all, fence] = values
    const [first] = named
    if (all?.length !== FENCE_BYTES || fence?.length !== FENCE_BYTES) {
      warn(WRONG_FENCE)
      return {}
    }
    if (first === undefined) return {}
    const place = { run, fences: [all, fence] } as const
    const allow = openAny(values, named, place)
    const share = (shared: SharedAllow): void => {
      const wallNow = timing.wallNow()
      const ttlMs = Math.floor(shared.askedAt + shared.ttlMs - wallNow)
      if (ttlMs <= 0) return
      const sealed = first.sealer.seal(shared, { ...place, name: first.name }, wallNow)
      // Without it the others ask for themselves.
      link.set(first.key, sealed, ttlMs).catch(() => undefined)
    }
    // A writer of the engine can put back a fence and a value from before a revocation.
    const isTrusted = allow !== undefined && lease.trusts(slotNumber, allow.askedAt)
    return isTrusted ? { allow, share } : { share }
  }
  const recall: SharedDecisions['recall'] = async (question, withinMs) => {
    const now = timing.now()
    if (now < openUntil) return {}
    // One look probes, and the others go on without.
    if (failures >= MAX_FAILURES) openUntil = now + OPEN_MS
    try {
      const found = await settleWithin(timing, Math.min(timeoutMs, withinMs), look(question))
      failures = 0
      openUntil = -Infinity
      return found
    } catch {
      failures += 1
      if (failures >= MAX_FAILURES) openUntil = timing.now() + OPEN_MS
      return {}
    }
  }
  return { scope, recall }
}

type Values = readonly (Uint8Array | undefined)[]

/** Reads both fences and the values. Writes a fence that is absent, since an absent one would fit any time. */
async function readFenced(
  link: Link,
  fenceKeys: readonly [string, string],
  valueKeys: readonly string[],
): Promise<Values> {
  const keys = [...fenceKeys, ...valueKeys]
  const values = await link.read(keys)
  const absent = fenceKeys.filter((_, index) => values[index]?.length !== FENCE_BYTES)
  if (absent.length === 0) return values
  await Promise.all(absent.map((key) => link.setIfAbsent(key, newFence())))
  return link.read(keys)
}
