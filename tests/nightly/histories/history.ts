import fc from 'fast-check'
import { createGate } from '../../../src/core/gate.ts'
import { createSetupSource } from '../../../src/core/setup.ts'
import { memoryCache } from '../../../src/index.ts'
import { createModelEndpoint } from './endpoint.ts'
import { createVirtualClock, withClock } from '../../support/virtual-clock.ts'
import type { Decision, Gate } from '../../../src/core/gate.ts'
import type { Recall } from '../../../src/core/response/recall.ts'
import type { AuthConfig, AuthEvent, DecisionCache, Transport } from '../../../src/index.ts'
import type { Answer, Asker, Asking, Log, Moment, Rules } from './log.ts'
import type { VirtualClock } from '../../support/virtual-clock.ts'

interface Visit {
  readonly token: string
  readonly path: string
  readonly query: string
  readonly tenant: string | undefined
  readonly noise: string | undefined
}

/** A reload replaces the guard by one of an equal config, with the same cache. */
type Incident = 'none' | 'invalidate' | 'clear' | 'reload' | number

/** One request and the incident before it. A number as incident is a jump of the wall clock in milliseconds. */
interface Step extends Visit {
  /** The number of the guard that is asked. */
  readonly guard: number
  /** How many tokens ask at once. Five failures open a circuit. */
  readonly crowd: number
  readonly passMs: number
  readonly incident: Incident
  readonly first: Omit<Answer, 'latencyMs' | 'isDeaf'> | undefined
  readonly later: Omit<Answer, 'latencyMs' | 'isDeaf'> | undefined
  readonly latencyMs: number
  readonly isDeaf: boolean
}

interface Told {
  readonly headers: 'all' | readonly string[]
  readonly params: 'values' | 'lists' | 'none'
  readonly path: boolean
}

export interface History {
  readonly rules: Rules
  readonly told: Told
  /** The random numbers that the runtime draws in turn. */
  readonly randoms: readonly number[]
  readonly steps: readonly Step[]
}

interface Guard extends Asker {
  readonly gate: Gate
  /** The short way of a guard that decides alike, and has no observer. */
  readonly recall: Recall | undefined
}

const TIMEOUT_MS = 400

/** Mostly chooses the first value, so that histories repeat questions. */
function mostly<Value>(usual: Value, ...others: Value[]): fc.Arbitrary<Value> {
  return fc.constantFrom(...Array.from({ length: 2 * others.length }, () => usual), ...others)
}

const anyVisit = {
  token: mostly('t', 'u', 'v'),
  path: mostly('/a', '/b'),
  query: mostly('', '?q=1', '?q=1&q=2'),
  tenant: mostly<string | undefined>(undefined, '1', '2'),
  noise: mostly<string | undefined>(undefined, 'x'),
}

const anyAnswer = fc.constantFrom<Step['first'][]>(
  ...Array.from({ length: 24 }, () => undefined),
  ...Array.from({ length: 12 }, () => ({ status: 200 }) as const),
  { status: 200, cacheControl: 'no-store' },
  { status: 200, cacheControl: 'private, no-cache' },
  { status: 200, cacheControl: 'max-age=1' },
  { status: 200, cacheControl: 'max-age=0' },
  { status: 200, cacheControl: 'must-revalidate' },
  { status: 200, expiresIn: 1 },
  { status: 200, expiresIn: 2 },
  { status: 200, expiresIn: 0 },
  { status: 401 },
  { status: 401 },
  { status: 403 },
  { status: 403, cacheControl: 'max-age=1' },
  { status: 401, cacheControl: 'no-store' },
  { status: 404 },
  { status: 301 },
  { status: 429 },
  { status: 500 },
  { status: 503 },
  { status: 503 },
  { status: 'reset' },
  { status: 'reset' },
  { status: 'hang' },
)

/** The difference between guards. All have one cache, and those of equal scope share its decisions. */
const GUARDS: readonly (readonly [scope: string, config: AuthConfig])[] = [
  ['', {}],
  ['', { realm: 'other', public: ['/public'] }],
  [' of another secret', { endpointHeaders: { 'x-secret': 'other' } }],
  [' for a principal', { identity: 'required' }],
]

const anyUsual: fc.Arbitrary<Step> = fc.record({
  ...anyVisit,
  guard: mostly(0, 1, 2, 3),
  crowd: fc.constantFrom(1, 1, 1, 1, 1, 1, 6),
  // Values around the half and the whole timeout, and around the times to live.
  passMs: mostly(0, 10, 50, 100, 200, 250, 400, 900, 1100, 1600, 2900, 3100),
  incident: fc.constantFrom<Incident[]>(
    ...Array.from({ length: 50 }, () => 'none' as const),
    'invalidate',
    'invalidate',
    'clear',
    'reload',
    'reload',
    1000,
    -1000,
    -2500,
    3_600_000,
    -3_600_000,
  ),
  first: anyAnswer,
  later: fc.constantFrom<Step['first'][]>(undefined, undefined, undefined, { status: 200 }),
  latencyMs: mostly(0, 10, 50, 150, 220, 390, 450),
  isDeaf: fc.constantFrom(false, false, false, true),
})

/** Sometimes enough tokens fail at once to open a circuit. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 19, arbitrary: anyUsual },
  {
    weight: 1,
    arbitrary: anyUsual.map((step) => ({
      ...step,
      crowd: 12,
      first: { status: 'reset' as const },
      later: undefined,
      latencyMs: 10,
    })),
  },
)

const anyCache = fc.oneof(
  { weight: 1, arbitrary: fc.constant(false as const) },
  {
    weight: 7,
    arbitrary: fc.record({
      allowTtlMs: mostly(3000, 1500, 0),
      denyTtlMs: mostly(2000, 1500, 0),
      staleIfErrorMs: fc.constantFrom(0, 1500, 3000),
      maxEntries: mostly(1000, 1, 2),
    }),
  },
)

const anyRules: fc.Arbitrary<Rules> = fc.record({
  timeoutMs: fc.constant(TIMEOUT_MS),
  cache: anyCache,
  retry: fc.constantFrom<Rules['retry'][]>(false, false, { attempts: 1 }),
  circuitBreaker: fc.constantFrom<Rules['circuitBreaker'][]>(false, false, { openMs: 500 }),
  concurrency: fc.constantFrom(
    { maxInFlight: 64, maxWaiting: 1024 },
    { maxInFlight: 64, maxWaiting: 1024 },
    { maxInFlight: 64, maxWaiting: 1024 },
    { maxInFlight: 1, maxWaiting: 1 },
    { maxInFlight: 2, maxWaiting: 0 },
    { maxInFlight: 4, maxWaiting: 1 },
  ),
})

const anyTold: fc.Arbitrary<Told> = fc.record({
  headers: fc.constantFrom<string[][]>([], [], ['x-tenant']),
  params: fc.constantFrom<Told['params'][]>('none', 'none', 'values', 'lists'),
  path: mostly(false, true),
})

/** A configuration and about ten requests to several guards, with incidents. */
export const histories: fc.Arbitrary<History> = fc.record({
  rules: anyRules,
  told: anyTold,
  randoms: fc.constantFrom([0], [0], [0.875], [0, 0.5, 0.25, 0.875]),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 20, size: 'max' }),
})

/** Plays a history through `src` and logs it. */
export async function play(history: History): Promise<Log> {
  const clock = createVirtualClock()
  const log: Log = {
    rules: history.rules,
    calls: [],
    askings: [],
    invalidations: [],
    jumps: [],
    circuit: [],
    decisions: { attempts: 0, stale: 0, count: 0 },
    idleTimers: 0,
  }
  let draws = 0
  const random = (): number => history.randoms[draws++ % history.randoms.length] ?? 0
  await withClock(clock, random, () => run(history, log, clock))
  log.idleTimers += clock.pending()
  return log
}

async function run(history: History, log: Log, clock: VirtualClock): Promise<void> {
  let seq = 0
  const moment = (): Moment => {
    seq += 1
    return { seq, at: clock.now(), wall: clock.wallNow() }
  }
  const endpoint = createModelEndpoint(clock, log.calls, moment)
  const cache = history.rules.cache === false ? false : memoryCache(history.rules.cache)
  let made = 0
  const make = ([scope, config]: (typeof GUARDS)[number]): Guard => {
    const asker = { guard: made++, scope }
    const answer: Transport = (_url, init) => endpoint.answer(asker, init)
    // Otherwise no two guards decide alike.
    const fetch = Object.assign(answer, { id: 'model' })
    const onEvent = (event: AuthEvent): void => note(event, asker.guard)
    const whole = { ...configOf(history, cache), ...config, fetch }
    const { recall } = createSetupSource(whole).get([])
    return { ...asker, recall, gate: createGate({ ...whole, onEvent }) }
  }
  const guards = GUARDS.map(make)
  const note = (event: AuthEvent, guard: number): void => {
    if (event.type === 'circuit') {
      log.circuit.push({ moment: moment(), state: event.state, tokens: event.tokens, guard })
    }
    if (event.type !== 'decision') return
    log.decisions.count += 1
    log.decisions.attempts += event.attempts
    if (event.cache === 'stale') log.decisions.stale += 1
  }
  for (const { passMs, incident, first, later, latencyMs, isDeaf, ...rest } of history.steps) {
    const { guard: at, crowd, ...visited } = rest
    await clock.pass(passMs)
    // If a request took another's verdict, its own call or retry may run until its deadline.
    const quietSince = clock.now() - history.rules.timeoutMs
    const isIdle = log.askings.every(({ started, ended }) => ended && started.at <= quietSince)
    if (isIdle) log.idleTimers += clock.pending() - endpoint.pending()
    disturb(incident, visited.token, cache, log, clock, moment)
    const of = GUARDS[at]
    if (incident === 'reload' && of !== undefined) guards[at] = make(of)
    const guard = guards[at]
    if (guard === undefined) throw new TypeError('No such guard')
    const manner = { latencyMs, isDeaf }
    const next = later === undefined ? undefined : { ...later, ...manner }
    const answer = first === undefined ? undefined : { ...first, ...manner }
    const members = Array.from({ length: crowd }, (_, member) => (member === 0 ? '' : member))
    members.forEach((member) => {
      const token = `${visited.token}${member}`
      if (answer !== undefined) endpoint.says(token, answer, next)
      ask({ ...visited, token }, history.told, guard, log, moment)
    })
  }
  // By then all requests have ended, and the endpoint has sent all late answers.
  await clock.pass(3 * TIMEOUT_MS)
}

function configOf({ rules, told: context }: History, cache: false | DecisionCache): AuthConfig {
  return { ...rules, endpoint: 'https://auth.example.test/validate', context, cache }
}

function disturb(
  incident: Incident,
  token: string,
  cache: false | DecisionCache,
  { invalidations, jumps }: Log,
  clock: VirtualClock,
  moment: () => Moment,
): void {
  if (typeof incident === 'number') {
    clock.jump(incident)
    jumps.unshift({ moment: moment(), ms: incident })
  }
  if (cache === false) return
  if (incident === 'invalidate') {
    invalidations.push({ moment: moment(), token })
    void cache.invalidate(token)
  }
  if (incident === 'clear') {
    invalidations.push({ moment: moment(), token: undefined })
    void cache.clear()
  }
}

function ask(
  visited: Visit,
  context: Told,
  { gate, recall, guard, scope }: Guard,
  { askings }: Log,
  moment: () => Moment,
): void {
  const { token, path, query, tenant, noise } = visited
  const request = new Request(`https://api.example.test${path}${query}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(tenant === undefined ? {} : { 'x-tenant': tenant }),
      ...(noise === undefined ? {} : { 'x-noise': noise }),
    },
  })
  const told = tell(visited, context) + scope
  const asking: Asking = { guard, scope, token, told, started: moment() }
  askings.push(asking)
  const settle = (decision: Decision): void => {
    asking.ended = moment()
    if (decision.admitted && decision.auth !== undefined) asking.auth = decision.auth
    if (!decision.admitted && decision.reason !== 'resource_metadata') {
      asking.reason = decision.reason
    }
  }
  const recalled = recall?.(request.clone())
  const decision = gate.decide(request, [])
  const hit = decision instanceof Promise || !decision.admitted ? undefined : decision
  if (recall !== undefined) asking.short = recalled === hit ? recalled && 'alike' : 'otherwise'
  if (decision instanceof Promise) void decision.then(settle)
  else settle(decision)
}

const PARAMS: Record<string, { values: object; lists: object }> = {
  '': { values: {}, lists: {} },
  '?q=1': { values: { q: '1' }, lists: { q: ['1'] } },
  '?q=1&q=2': { values: { q: ['1', '2'] }, lists: { q: ['1', '2'] } },
}

/** The JSON that the endpoint must get by the contract. */
function tell({ token, path, query, tenant }: Visit, context: Told): string {
  const isTenantTold = context.headers.includes('x-tenant') && tenant !== undefined
  return JSON.stringify({
    api_key: token,
    request: {
      path: context.path ? path : '',
      headers: isTenantTold ? { 'x-tenant': tenant } : {},
      params: context.params === 'none' ? {} : PARAMS[query]?.[context.params],
    },
  })
}
