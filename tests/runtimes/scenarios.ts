import { BODIES } from './scenarios/bodies.ts'
import { CACHING } from './scenarios/caching.ts'
import { CONTRACT } from './scenarios/contract.ts'
import { CREDENTIALS } from './scenarios/credentials.ts'
import { FAILURES_OF_ENDPOINT } from './scenarios/failures.ts'
import { IDENTITY } from './scenarios/identity.ts'
import { PREFLIGHT } from './scenarios/preflight.ts'
import { PUBLIC_PATHS } from './scenarios/public-paths.ts'
import { TOLD } from './scenarios/told.ts'
import type { Scenario } from './scenario.ts'

/** Behaviour that is the same on every runtime. Each name is unique, because it marks the requests of a scenario. */
export const SCENARIOS: readonly Scenario[] = [
  ...CONTRACT,
  ...TOLD,
  ...CREDENTIALS,
  ...IDENTITY,
  ...PUBLIC_PATHS,
  ...PREFLIGHT,
  ...FAILURES_OF_ENDPOINT,
  ...CACHING,
  ...BODIES,
]
