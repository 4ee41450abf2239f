import type { DecisionStore, Recalled, SharedAllow, SharedQuestion } from '../../src/core/seams.ts'

/** The memory that the stores of several instances share, in place of an engine. */
export interface SharedMemory {
  readonly allows: Map<string, SharedAllow>
  /** A revocation ages all stamps. */
  revocations: number
}

const keyOf = ({ token, told }: SharedQuestion): string => JSON.stringify([token, told])

/** A store that shares decisions by memory. `recall` may take another part. */
export function createMemoryStore(
  memory: SharedMemory,
  look?: (withinMs: number) => Promise<Recalled>,
): DecisionStore {
  const recall = async (question: SharedQuestion): Promise<Recalled> => {
    const key = keyOf(question)
    const allow = memory.allows.get(key)
    const share = (shared: SharedAllow): void => void memory.allows.set(key, shared)
    return allow === undefined ? { share } : { allow, share }
  }
  return {
    revocationMs: 1000,
    lostPushTtlMs: 1000,
    shared: {
      scope: 'test',
      recall: (question, withinMs) => look?.(withinMs) ?? recall(question),
    },
    start: () => undefined,
    stamp: () => {
      const { revocations } = memory
      const isCurrent = (): boolean => memory.revocations === revocations
      return { isCurrent, isGood: isCurrent }
    },
    invalidate: async () => void (memory.revocations += 1),
    stop: () => undefined,
  }
}
