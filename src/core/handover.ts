import type { ResolvedConfig } from './config.ts'
import type { Memory } from './verifier.ts'

/** What a guard hands over to the guard that replaces it: what it learned, and the config that it learned it by. */
export interface Handover {
  readonly config: ResolvedConfig
  readonly memory: Memory
}

/** What a decision depends on. How long to wait for it, and what a client is told, is not part of it. */
const ASKED = [
  'endpoint',
  'endpointHeaders',
  'verifier',
  'transport',
  'context',
  'identity',
] as const satisfies readonly (keyof ResolvedConfig)[]

/** Whether two configs ask the same endpoint the same question, so that a decision by one is a decision by the other. */
export function asksTheSame(one: ResolvedConfig, other: ResolvedConfig): boolean {
  return ASKED.every((name) => isEqual(one[name], other[name]))
}

/** What was learned, if it was learned by a config that asks the same and keeps decisions for as long. */
export function takeOver(
  handover: Handover | undefined,
  config: ResolvedConfig,
): Memory | undefined {
  if (handover === undefined || !asksTheSame(handover.config, config)) return undefined
  return isEqual(handover.config.cache, config.cache) ? handover.memory : undefined
}

// Data is equal by what is in it, a function by what it is.
function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || typeof other === 'function') return one === other
  return JSON.stringify(one) === JSON.stringify(other)
}
