import type { ResolvedConfig } from '../config/parse.ts'
import type { Memory } from './compose.ts'

/** A gate hands this over to the gate that replaces it: its memory, and the config that filled it. */
export interface Handover {
  readonly config: ResolvedConfig
  readonly memory: Memory
}

/** A decision depends on these options. Timeouts, retries and responses change no decision. */
const ASKED = [
  'endpoint',
  'endpointHeaders',
  'verifier',
  'fetch',
  'context',
  'identity',
] as const satisfies readonly (keyof ResolvedConfig)[]

/** Whether two configs ask the same endpoint the same question, so that decisions of one hold for the other. */
export function asksTheSame(one: ResolvedConfig, other: ResolvedConfig): boolean {
  return ASKED.every((name) => isEqual(one[name], other[name]))
}

/** Returns the memory if both configs ask the same question and have the same `cache`. */
export function takeOver(
  handover: Handover | undefined,
  config: ResolvedConfig,
): Memory | undefined {
  if (handover === undefined || !asksTheSame(handover.config, config)) return undefined
  return isEqual(handover.config.cache, config.cache) ? handover.memory : undefined
}

// Data is compared by its content, a function by its identity.
function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || typeof other === 'function') return one === other
  return JSON.stringify(one) === JSON.stringify(other)
}
