import { expect, vi } from 'vitest'
import { send } from '../support/http.ts'
import { always, MARKER, ok } from './answers.ts'
import { startFaultServer } from './fault-server.ts'
import { TOKEN } from '../../support/token.ts'
import type { RawResponse } from '../../support/raw-client.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { FaultServer } from './fault-server.ts'
import type { Case, Expected, Identity, RuntimeName, Verdict } from './row.ts'

/** A server that runs one guard for each case, with this `identity`. */
export interface Target {
  readonly server: RunningServer
  readonly runtime: RuntimeName
  readonly identity: Identity
  /** How many connections to the endpoint one healthy call leaves open. */
  readonly baseline: number
  /** The names of the requests for which the handler must have run. */
  readonly handled: string[]
}

export interface Outcome {
  readonly verdict: Verdict
  readonly tookMs: number
}

/** An endpoint with a fault, and a guard that asks it. */
export interface Site {
  readonly name: string
  /** The name of the guard on the server. */
  readonly guard: string
  readonly target: Target
  readonly endpoint: FaultServer
  /** The expected verdict on this target. */
  readonly expected: Expected
  /** Sends one request with a token, and checks the shape of the response for any verdict. */
  readonly ask: (token?: string) => Promise<Outcome>
  /** How long the slowest request took. */
  readonly latestMs: () => number
  /** Whether the last verdict was `timeout`. */
  readonly hasTimedOut: () => boolean
  /** Waits until only as many connections are open as healthy calls leave. */
  readonly settle: () => Promise<void>
}

/** The runtime whose every fault comes after a first answer. */
const DISPATCHING = 'Node by its dispatcher'

export const TIMEOUT_MS = 1000
/** How much later than its deadline an answer may be. */
const SLACK_MS = 100
/** How long it may take until the connections of a case are closed. */
export const SETTLED_MS = 2000
// A busy machine can be late, so a case gets several tries.
const TRIES = 6

const COMMON = {
  timeoutMs: TIMEOUT_MS,
  context: { headers: [], params: 'none' },
  retry: false,
  circuitBreaker: false,
} as const

const MESSAGES: Readonly<Record<string, string>> = {
  denied: 'Authentication failed',
  rate_limited: 'Authentication failed',
  service_error: 'Authentication failed',
}
// The headers that the servers add to every response.
const FRAMING = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])
let sites = 0

/** Runs a case on a server: no wrong verdict, no late answer, no connection left. */
export async function runCase(target: Target, name: string, given: Case, expected: Expected) {
  for (let left = TRIES - 1; left >= 0; left -= 1) {
    const lateMs = await tryCase(target, name, given, expected)
    if (lateMs <= SLACK_MS) return
    if (left === 0) expect.fail(`${name}: ${lateMs} ms after the deadline, ${TRIES} times`)
  }
}

async function tryCase(
  target: Target,
  name: string,
  given: Case,
  expected: Expected,
): Promise<number> {
  const site = await openSite(target, name, given, expected)
  try {
    await (given.steps ?? askOnce)(site)
    await site.settle()
  } catch (error) {
    // A timeout that the case does not expect is an answer that came too late, not a wrong verdict.
    if (site.hasTimedOut() && ![expected].flat().includes('timeout')) return Infinity
    throw new Error(`${name}: ${String(error)}`, { cause: error })
  } finally {
    await site.endpoint.close()
  }
  return site.latestMs() - TIMEOUT_MS
}

async function askOnce(site: Site): Promise<void> {
  expectVerdict(site, await site.ask())
}

export function expectVerdict(site: Site, { verdict }: Outcome, expected = site.expected): void {
  expect([expected].flat()).toContain(verdict)
}

export async function openSite(
  target: Target,
  name: string,
  given: Case,
  expected: Expected,
): Promise<Site> {
  const endpoint = await startFaultServer(given.fault)
  sites += 1
  const guard = encodeURIComponent(`${name} #${sites}`)
  let asks = 0
  let latestMs = 0
  let hasTimedOut = false
  const ask = async (token = TOKEN): Promise<Outcome> => {
    asks += 1
    const id = `${guard}.${asks}`
    const headers = {
      authorization: `Bearer ${token}`,
      'x-guard': guard,
      'x-options': encodeURIComponent(JSON.stringify(optionsOf(site, given))),
      'x-ask': id,
    }
    const outcome = describe(id, await send(target.server.url, { target: '/', headers }))
    if (outcome.verdict === 'allow') target.handled.push(id)
    latestMs = Math.max(latestMs, outcome.tookMs)
    hasTimedOut = outcome.verdict === 'timeout'
    return outcome
  }
  const settle = async (): Promise<void> => {
    const limit = target.baseline * (given.callsAtOnce ?? 1)
    const check = (): void => {
      expect(endpoint.openSockets()).toBeLessThanOrEqual(limit)
      if (given.fault.endless === true) expect(endpoint.usedSockets()).toBe(0)
    }
    const timeout = given.settledMs?.[target.runtime] ?? SETTLED_MS
    await vi.waitFor(check, { timeout, interval: 20 })
  }
  const site: Site = {
    name,
    guard,
    target,
    endpoint,
    expected,
    ask,
    latestMs: () => latestMs,
    hasTimedOut: () => hasTimedOut,
    settle,
  }
  if (target.runtime === DISPATCHING) await endpoint.during(always(ok()), () => warmUp(site, given))
  return site
}

/** Gets one answer from the URL of a site, by another guard, so that Node asks by its dispatcher from then on. */
async function warmUp(site: Site, given: Case): Promise<void> {
  const guard = `${site.guard}.warm-up`
  const options = { ...optionsOf(site, given), ...COMMON, cache: false }
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    'x-guard': guard,
    'x-options': encodeURIComponent(JSON.stringify(options)),
    'x-ask': guard,
  }
  const { status } = await send(site.target.server.url, { target: '/', headers })
  if (status === 200) site.target.handled.push(guard)
}

function optionsOf(site: Site, { fault, options = {} }: Case): object {
  const scheme = fault.tls === undefined ? 'http' : 'https'
  // A certificate is valid for a host name only.
  const host = fault.tls === undefined ? '127.0.0.1' : 'localhost'
  const { port } = site.endpoint
  const own = typeof options === 'function' ? (options as (site: Site) => object)(site) : options
  const endpoint = `${scheme}://${host}:${port}/validate`
  return { ...COMMON, endpoint, identity: site.target.identity, ...own }
}

/** Reads a response. Fails unless every byte is one that the handler or the guard sends. */
function describe(name: string, { status, headers, body }: RawResponse): Outcome {
  const whole = JSON.stringify([...headers, body])
  expect(whole).not.toContain(MARKER)
  const tookMs = Number(headers.get('x-took-ms')?.[0])
  expect(tookMs).toBeGreaterThanOrEqual(0)
  const content = parseBody(name, body)
  const verdict = status === 200 ? 'allow' : readCode(content)
  const fields = [...headers].filter(([field]) => !FRAMING.has(field) && field !== 'x-took-ms')
  const sent = { fields: Object.fromEntries(fields), content }
  expect(sent).toEqual(status === 200 ? allowed(content) : refused(verdict))
  return { verdict, tookMs }
}

function parseBody(name: string, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return expect.fail(`${name}: the client got ${JSON.stringify(body)}`)
  }
}

function readCode(content: unknown): Verdict {
  return (content as { error: { code: Verdict } }).error.code
}

function allowed(content: unknown): object {
  const type = expect.stringMatching(/^application\/json/) as string
  expect(content).toMatchObject({ handler: 'HANDLER' })
  return { fields: { 'content-type': [type] }, content }
}

function refused(code: Verdict): object {
  const message = MESSAGES[code] ?? 'Authentication service error'
  const suffix = code === 'denied' ? ', error="invalid_token"' : ''
  return {
    fields: {
      'content-type': ['application/json'],
      'cache-control': ['no-store'],
      'www-authenticate': [`Bearer realm="api"${suffix}`],
    },
    content: { error: { message, type: 'authentication_error', code } },
  }
}
