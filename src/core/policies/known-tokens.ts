import { drawKey, hashText } from './keyed-hash.ts'
import type { Hash } from './keyed-hash.ts'
import type { Check } from '../request/check.ts'
import type { Verifier } from '../endpoint/verdict.ts'
import type { RecentOutage } from './outage.ts'
import type { CheckedVerdict } from '../endpoint/verdict.ts'

/** The tokens that the endpoint allowed lately. It holds no token, only a keyed hash of each: its mark. */
export interface KnownTokens {
  readonly markOf: (token: string) => Hash
  readonly has: (mark: Hash) => boolean
  readonly add: (mark: Hash) => void
  readonly delete: (mark: Hash) => void
  readonly clear: () => void
  readonly isEmpty: () => boolean
}

/** The second half of each mark, by the first. */
type Generation = Map<number, number>

const GENERATION_MS = 1_800_000
const MAX_PER_GENERATION = 32_768

/**
 * Remembers at most 65,536 tokens, each for 30 to 60 minutes after its last allow. Two generations hold them. When the
 * younger one is half an hour old, or full, it becomes the older one, and the older one is dropped.
 */
export function createKnownTokens({ now }: { readonly now: () => number }): KnownTokens {
  let younger: Generation = new Map()
  let older: Generation = new Map()
  let bornAt = now()
  let key: Hash | undefined

  const renew = (): void => {
    older = younger
    younger = new Map()
    bornAt = now()
  }
  const age = (): void => {
    const ageMs = now() - bornAt
    if (ageMs >= 2 * GENERATION_MS) younger = new Map()
    if (ageMs >= GENERATION_MS) renew()
  }

  return {
    // Workers permit to draw a key only while they answer a request.
    markOf: (token) => hashText(token, (key ??= drawKey())),
    has: ([first, second]) => {
      age()
      return younger.get(first) === second || older.get(first) === second
    },
    add: (mark) => {
      age()
      if (younger.size >= MAX_PER_GENERATION) renew()
      younger.set(...mark)
    },
    delete: ([first]) => {
      younger.delete(first)
      older.delete(first)
    },
    clear: () => {
      younger.clear()
      older.clear()
    },
    isEmpty: () => {
      age()
      return younger.size + older.size === 0
    },
  }
}

/** Marks the checks of known tokens before the endpoint is asked, and learns from what it answers. */
export function recognise(next: Verifier, tokens: KnownTokens, outage: RecentOutage): Verifier {
  const learn = async (
    check: Check,
    mark: Hash,
    pending: CheckedVerdict | Promise<CheckedVerdict>,
  ): Promise<CheckedVerdict> => {
    try {
      const verdict = await pending
      outage.noteAnswer()
      if (verdict.outcome === 'allow') tokens.add(mark)
      // RFC 9110 §15.5.4: a 403 rejects this request of a token that is good for others.
      if (verdict.outcome === 'deny' && check.endpointStatus !== 403) tokens.delete(mark)
      return verdict
    } catch (error) {
      if (outage.isShownBy(error, check)) outage.note()
      throw error
    }
  }
  return (check, deadline) => {
    const mark = tokens.markOf(check.token)
    check.isKnown = tokens.has(mark)
    return learn(check, mark, next(check, deadline))
  }
}
