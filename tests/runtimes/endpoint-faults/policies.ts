import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { always, ok, response } from './answers.ts'
import { expectVerdict } from './site.ts'
import { TOKEN } from '../../support/token.ts'
import type { Asked, Fault } from './fault-server.ts'
import type { Case, Row, Verdict } from './row.ts'
import type { Outcome, Site } from './site.ts'

/** E29 to E32: what an endpoint does to callers that have nothing to do with each other. */

const BREAKER = { circuitBreaker: { openMs: 300 } }

function statusFor(decide: (asked: Asked, nth: number) => number): Fault {
  let count = 0
  return {
    onQuestion: (socket, asked) => {
      count += 1
      const status = decide(asked, count)
      socket.write(status === 200 ? ok() : response(`HTTP/1.1 ${status} No`))
    },
  }
}

const oddOr500 = statusFor(({ token }) => (token.startsWith('odd') ? 500 : 200))

async function askAll(site: Site, names: readonly string[]): Promise<Outcome[]> {
  return Promise.all(names.map((name) => site.ask(name)))
}

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`)

const PROBE_MS = 300
const CROWD = 20

/** Calls an endpoint that is down until the circuit opens. */
async function tripCircuit(site: Site): Promise<void> {
  let verdict: Verdict | undefined
  for (const name of named('down', 40)) {
    if (verdict === 'circuit_open') return
    const outcome = await site.ask(name)
    expectVerdict(site, outcome, ['service_error', 'circuit_open'])
    ;({ verdict } = outcome)
  }
  expect.fail('The circuit did not open')
}

/** Says 503 until it is told to recover; then answers, the first time slowly. */
function flapping(): Case {
  let isDown = true
  let answering = 0
  let most = 0
  const fault: Fault = {
    onQuestion: (socket, { token }) => {
      if (isDown) return socket.write(response('HTTP/1.1 503 Down'))
      answering += 1
      most = Math.max(most, answering)
      return setTimeout(
        () => {
          answering -= 1
          socket.write(ok())
        },
        token.startsWith('probe') ? PROBE_MS : 20,
      )
    },
  }
  return {
    name: 'one probe asks for a crowd, and the crowd comes in turn',
    fault,
    expected: 'allow',
    options: { ...BREAKER, concurrency: { maxInFlight: 4, maxWaiting: 100 } },
    callsAtOnce: CROWD,
    steps: async (site) => {
      isDown = true
      most = 0
      for (let round = 0; round < 2; round += 1) {
        isDown = true
        await tripCircuit(site)
        isDown = false
        await sleep(400)
        const before = site.endpoint.questions.length
        // New tokens in each round: those that were allowed have a circuit of their own.
        const outcomes = await askAll(site, named(`probe${round}`, CROWD))
        expect(site.endpoint.questions.length - before).toBe(1)
        expect(outcomes.filter(({ verdict }) => verdict === 'allow')).toHaveLength(1)
        for (const outcome of outcomes) expectVerdict(site, outcome, ['allow', 'circuit_open'])
        const crowd = await askAll(site, named(`crowd${round}`, CROWD))
        for (const outcome of crowd) expectVerdict(site, outcome)
        expect(most).toBeLessThanOrEqual(4)
      }
    },
  }
}

export const POLICY_ROWS: readonly Row[] = [
  {
    id: 'E29',
    title: 'failures for odd tokens only, to open the circuit for every client',
    cases: [
      {
        name: '500 does not open it',
        fault: oddOr500,
        expected: 'allow',
        options: BREAKER,
        callsAtOnce: CROWD,
        steps: async (site) => {
          for (const outcome of await askAll(site, named('odd', CROWD)))
            expectVerdict(site, outcome, 'service_error')
          expectVerdict(site, await site.ask(TOKEN))
        },
      },
      {
        name: '503 opens it, and what is kept still serves',
        fault: statusFor(({ token }) => (token.startsWith('odd') ? 503 : 200)),
        expected: 'allow',
        options: {
          circuitBreaker: { openMs: 60_000 },
          cache: { allowTtlMs: 60_000 },
        },
        steps: async (site) => {
          expectVerdict(site, await site.ask(TOKEN))
          for (const name of named('odd', 10)) await site.ask(name)
          expectVerdict(site, await site.ask('other'), 'circuit_open')
          expectVerdict(site, await site.ask(TOKEN))
          expect(site.endpoint.questions.length).toBeLessThanOrEqual(11)
        },
      },
      {
        name: 'a few failures among many checks do not open it',
        fault: statusFor((_asked, nth) => (nth % 4 === 0 ? 503 : 200)),
        expected: ['allow', 'service_error'],
        options: BREAKER,
        steps: async (site) => {
          for (const name of named('token', 24)) expectVerdict(site, await site.ask(name))
        },
      },
    ],
  },
  {
    id: 'E30',
    title: '429',
    cases: [
      {
        name: 'it is not kept, and says how long to wait',
        fault: always(response('HTTP/1.1 429 Wait', { 'retry-after': '7' })),
        expected: 'rate_limited',
        options: {
          cache: {},
          unavailableStatus: 503,
          ...BREAKER,
          retry: { attempts: 1 },
        },
        steps: async (site) => {
          for (let count = 0; count < 10; count += 1) {
            const outcome = await site.ask()
            expectVerdict(site, outcome)
            expect(outcome).toMatchObject({ status: 429, retryAfter: '7' })
          }
          expect(site.endpoint.questions).toHaveLength(10)
        },
      },
      {
        name: 'it is a 401 where nothing else is configured',
        fault: always(response('HTTP/1.1 429 Wait', { 'retry-after': '7' })),
        expected: 'rate_limited',
        steps: async (site) => {
          const outcome = await site.ask()
          expectVerdict(site, outcome)
          expect(outcome).toMatchObject({ status: 401, retryAfter: undefined })
        },
      },
    ],
  },
  {
    id: 'E31',
    title: 'slow for one token only',
    cases: [
      {
        name: 'the others notice nothing',
        fault: {
          onQuestion: (socket, { token }) => (token === 'slow' ? undefined : socket.write(ok())),
        },
        expected: 'allow',
        options: { concurrency: { maxInFlight: 2, maxWaiting: 10 } },
        callsAtOnce: 2,
        steps: async (site) => {
          const slow = site.ask('slow')
          let isWaiting = true
          void slow.finally(() => {
            isWaiting = false
          })
          await vi.waitFor(() => expect(site.endpoint.questions).toHaveLength(1))
          for (const name of named('other', 10)) expectVerdict(site, await site.ask(name))
          expect(isWaiting).toBe(true)
          expectVerdict(site, await slow, 'timeout')
        },
      },
    ],
  },
  { id: 'E32', title: 'an endpoint that flaps', cases: [flapping()] },
]
