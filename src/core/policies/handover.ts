import type { ResolvedConfig } from '../config/parse.ts'
import type { Memory } from './compose.ts'

/** Gives the memory of a gate to the gate that replaces it, if that has the same `cache` and asks the same question. */
export type Handover = (next: ResolvedConfig) => Memory | undefined

/** A decision depends on these options. Timeouts, retries and responses change no decision. */
const ASKED = [
  'endpoint',
  'endpointHeaders',
  'verifier',
  'fetch',
  'context',
  'identity',
  'tenant',
  'tenantField',
  'clientAddress',
] as const satisfies readonly (keyof ResolvedConfig)[]

/** Whether two configs ask the same endpoint the same question, so that decisions of one hold for the other. */
export function asksTheSame(one: ResolvedConfig, other: ResolvedConfig): boolean {
  return ASKED.every((name) => isEqual(one[name], other[name]))
}

export function createHandover(config: ResolvedConfig, memory: Memory): Handover {
  const isSame = (name: keyof ResolvedConfig, next: ResolvedConfig): boolean =>
    isEqual(config[name], next[name])
  return (next) => {
    // A hit does not check the form of its token again.
    const isFor = isSame('cache', next) && isSame('tokenFormat', next)
    return isFor && asksTheSame(config, next) && config.store === next.store ? memory : undefined
  }
}

// Data is compared by its content, a function by its identity.
function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || typeof other === 'function') return one === other
  return JSON.stringify(one) === JSON.stringify(other)
}
