import { BODIES } from './scenarios/bodies.ts'
import { CALLS } from './scenarios/calls.ts'
import { CONTRACT } from './scenarios/contract.ts'
import type { Scenario } from './scenario.ts'

/** The steps that a runtime could do otherwise. Each name is unique, because it marks the requests of a scenario. */
export const SCENARIOS: readonly Scenario[] = [...CONTRACT, ...CALLS, ...BODIES]
