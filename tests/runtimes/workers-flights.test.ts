import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { send } from './support/http.ts'
import { answerAsTold, startAuthEndpoint, tokenFor } from '../support/auth-endpoint.ts'
import { CURRENT_DATE, startWorker } from './support/workerd.ts'
import type { AuthConfig, MemoryCacheOptions } from 'with-auth'
import type { TestContext } from 'vitest'

/** A worker that guards with some options, and its auth endpoint. */
type Bench = Awaited<ReturnType<Start>>

interface AskOptions {
  readonly startAfterMs?: number
  /** When the worker answers 202 itself. That ends the request and everything it waits for. */
  readonly endsAfterMs?: number
}

interface Answer {
  /** The status, and the code of a rejection. */
  readonly said: string
  readonly ms: number
}

/** Options that JSON can hold. The worker makes the cache. */
type PlainOptions = Omit<AuthConfig, 'cache'> & { readonly cache?: MemoryCacheOptions }

type Start = ReturnType<typeof starter>

// At 2024-10-14 the runtime learned to settle a promise that another request had made.
const OLD_DATE = '2024-01-01'
/** workerd as the date and the flags of a worker make it. */
const PLATFORMS: readonly (readonly [name: string, date: string, ...flags: string[]])[] = [
  ['workerd', CURRENT_DATE],
  ['workerd with nodejs_compat', CURRENT_DATE, 'nodejs_compat'],
  [`workerd of ${OLD_DATE}`, OLD_DATE],
]

const SLACK_MS = 700
const OPTIONS = { context: { headers: [], params: 'none' }, retry: false } as const
const SHARED = tokenFor('shared', 600)

describe.concurrent.each(PLATFORMS)('%s', (_name, date, ...flags) => {
  const isCurrent = date === CURRENT_DATE
  const start = starter(date, flags)

  it('answers followers of a request that ends first, and later requests (cloudflare/cloudflare-docs#29797)', async (context) => {
    const bench = await start(context, { ...OPTIONS, timeoutMs: 2000 })
    const [leader, ...others] = await askInTurn(bench, 150)
    expect(leader?.said).toBe('202')
    expect(others.filter(({ ms }) => ms > 2000 + SLACK_MS)).toEqual([])
    // An old runtime does not report a lost call, so followers lose half of their time with each.
    const second = isCurrent ? /^200$/ : /^200$|^401 timeout$/
    expect(others.map(({ said }) => said)).toEqual(['200', expect.stringMatching(second), '200'])
    expect(bench.endpoint.received.length).toBeLessThanOrEqual(4)
    expect(await bench.ask(SHARED)).toMatchObject({ said: '200' })
  })

  it('answers followers of a request whose client goes away', async (context) => {
    const bench = await start(context, { ...OPTIONS, timeoutMs: 2000 })
    const leader = bench.leave(SHARED, 150)
    const followers = [60, 90].map((startAfterMs) => bench.ask(SHARED, { startAfterMs }))
    const answers = await Promise.all(followers)
    expect(answers.map(({ said }) => said)).toEqual(['200', '200'])
    expect(bench.endpoint.received).toHaveLength(1)
    expect(await leader).toBe('left')
  })

  it('shares the verdict of a call that a ctx keeps alive', async (context) => {
    const bench = await start(context, { ...OPTIONS, timeoutMs: 2000 }, 'yes')
    const [leader, ...others] = await askInTurn(bench, 150)
    expect(leader?.said).toBe('202')
    expect(others.map(({ said }) => said)).toEqual(['200', '200', '200'])
    // One call for the first three requests, and one for the late request.
    expect(bench.endpoint.received).toHaveLength(2)
  })

  it('caches the verdict of a call that a ctx keeps alive', async (context) => {
    const options = { ...OPTIONS, timeoutMs: 2000, cache: {} }
    const bench = await start(context, options, 'yes')
    const [leader, ...others] = await askInTurn(bench, 150)
    expect(leader?.said).toBe('202')
    expect(others.map(({ said }) => said)).toEqual(['200', '200', '200'])
    expect(bench.endpoint.received).toHaveLength(1)
  })

  it('runs the requests over the concurrency limit one after the other', async (context) => {
    const concurrency = { maxInFlight: 2, maxWaiting: 10 }
    // The last ones wait for 400 ms, and give up after half of the time.
    const timeoutMs = 3000
    const bench = await start(context, { ...OPTIONS, timeoutMs, concurrency })
    const tokens = Array.from({ length: 6 }, (_, index) => tokenFor(`user${index}`, 200))
    const answers = await Promise.all(tokens.map((token) => bench.ask(token)))
    // An old runtime loses the signal that wakes a waiting request, which is then rejected in time.
    const refused = answers.filter(({ said }) => /^401 (?:overloaded|timeout)$/.test(said))
    expect(refused).toHaveLength(isCurrent ? 0 : 4)
    expect(answers.filter(({ said }) => said === '200')).toHaveLength(isCurrent ? 6 : 2)
    expect(answers.filter(({ ms }) => ms > timeoutMs + SLACK_MS)).toEqual([])
    expect(bench.endpoint.peak()).toBe(2)
    expect(await bench.ask(tokenFor('later', 0))).toMatchObject({ said: '200' })
  })

  it('takes back the slot of a request that ends before its call', async (context) => {
    const concurrency = { maxInFlight: 1, maxWaiting: 10 }
    const bench = await start(context, { ...OPTIONS, timeoutMs: 1000, concurrency })
    const holder = bench.ask(tokenFor('holder', 600), { endsAfterMs: 100 })
    const waiter = bench.ask(tokenFor('waiter', 0), { startAfterMs: 50 })
    const later = bench.ask(tokenFor('later', 0), { startAfterMs: 1500 })
    const answers = await Promise.all([holder, waiter, later])
    expect(answers.map(({ said }) => said)).toEqual(['202', '401 overloaded', '200'])
  })

  it('takes back the places of requests that end while they wait', async (context) => {
    const concurrency = { maxInFlight: 2, maxWaiting: 10 }
    const bench = await start(context, { ...OPTIONS, timeoutMs: 1000, concurrency })
    const holders = [1, 2].map((index) => bench.ask(tokenFor(`holder${index}`, 300)))
    const waiters = Array.from({ length: 9 }, (_, index) =>
      bench.ask(tokenFor(`waiter${index}`, 0), { startAfterMs: 50, endsAfterMs: 100 }),
    )
    const later = [1, 2].map((index) =>
      bench.ask(tokenFor(`later${index}`, 0), { startAfterMs: 2500 }),
    )
    expect(countSaid(await Promise.all([...holders, ...waiters]))).toEqual({ '200': 2, '202': 9 })
    expect((await Promise.all(later)).map(({ said }) => said)).toEqual(['200', '200'])
    expect(bench.endpoint.peak()).toBe(2)
  })

  it('sends another probe when the request of the first ends before its call', async (context) => {
    const circuitBreaker = { openMs: 300 }
    const options = { ...OPTIONS, timeoutMs: 1000, circuitBreaker }
    const bench = await start(context, options)
    for (let name = 0; name < 10; name += 1) await bench.ask(tokenFor(`failing${name}`, 0, 503))
    expect(await bench.ask(tokenFor('refused', 0))).toMatchObject({ said: '401 circuit_open' })
    await sleep(400)
    const probe = bench.ask(tokenFor('probe', 600), { endsAfterMs: 100 })
    const meanwhile = bench.ask(tokenFor('meanwhile', 0), { startAfterMs: 50 })
    const later = bench.ask(tokenFor('later', 0), { startAfterMs: 1300 })
    const answers = await Promise.all([probe, meanwhile, later])
    expect(answers.map(({ said }) => said)).toEqual(['202', '401 circuit_open', '200'])
  })
})

// Identical requests: a leader, two followers, and one that comes when the others should have ended.
async function askInTurn(bench: Bench, endsAfterMs: number): Promise<Answer[]> {
  const leader = bench.ask(SHARED, { endsAfterMs })
  const others = [60, 90, 1500].map((startAfterMs) => bench.ask(SHARED, { startAfterMs }))
  return Promise.all([leader, ...others])
}

function starter(date: string, flags: readonly string[]) {
  return async ({ onTestFinished }: TestContext, options: PlainOptions, passCtx = 'no') => {
    const endpoint = await startAuthEndpoint(answerAsTold)
    onTestFinished(() => endpoint.close())
    const env = {
      AUTH_ENDPOINT: endpoint.url,
      OPTIONS: JSON.stringify(options),
      PASS_CTX: passCtx,
    }
    const program = 'worker-that-may-end-early.js'
    const worker = await startWorker(program, inject('app'), env, flags, date)
    onTestFinished(() => worker.stop())
    return {
      endpoint,
      ask: (token: string, more: AskOptions = {}) => ask(worker.url, token, more),
      /** Sends a request and closes the connection before the answer comes. */
      leave: (token: string, afterMs: number) => leave(worker.url, token, afterMs),
    }
  }
}

async function ask(url: string, token: string, options: AskOptions): Promise<Answer> {
  const { startAfterMs = 0, endsAfterMs } = options
  await sleep(startAfterMs)
  const startedAt = performance.now()
  const early = endsAfterMs === undefined ? {} : { 'x-ends-after': String(endsAfterMs) }
  const headers = { authorization: `Bearer ${token}`, ...early }
  const { status, body } = await send(url, { target: '/', headers })
  const code = /"code":"(\w+)"/.exec(body)?.[1]
  const said = code === undefined ? String(status) : `${status} ${code}`
  return { said, ms: performance.now() - startedAt }
}

async function leave(url: string, token: string, afterMs: number): Promise<'answered' | 'left'> {
  const headers = { authorization: `Bearer ${token}` }
  try {
    await fetch(url, { headers, signal: AbortSignal.timeout(afterMs) })
    return 'answered'
  } catch {
    return 'left'
  }
}

function countSaid(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { said } of answers) counts[said] = (counts[said] ?? 0) + 1
  return counts
}
