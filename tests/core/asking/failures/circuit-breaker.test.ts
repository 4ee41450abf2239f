import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../../src/core/errors.ts'
import { callsTo } from '../calls.ts'
import { checkOf } from '../../../support/checks.ts'
import type { ParsedVerdict } from '../../../../src/core/endpoint/verdict.ts'

const DENY = { outcome: 'deny', isLasting: true } as const
const failing = (reason: AuthUnavailableError['reason'], status?: number) => (): never => {
  throw new AuthUnavailableError(reason, { status })
}
const down = failing('unreachable')
const unreachable = new AuthUnavailableError('unreachable')
const bug = (): never => {
  throw new Error('bug')
}
const up = (): ParsedVerdict => DENY

let now = 0
let answer: () => ParsedVerdict | Promise<ParsedVerdict> = up
let states: string[] = []
let asked = 0

function breaker(concurrency = { maxInFlight: 64, maxWaiting: 1024 }) {
  const { run, refusalOf, circuits } = callsTo(
    () => {
      asked += 1
      return answer()
    },
    { circuitBreaker: { openMs: 5000 }, concurrency },
    { now: () => now },
  )
  const statesOf = (): string[] => circuits.map((circuit) => circuit.replace('unknown ', ''))
  const ask = async (): Promise<string> => {
    try {
      const { outcome } = await run(checkOf(), 1000)
      return outcome
    } catch (error) {
      return error instanceof AuthUnavailableError ? error.reason : 'bug'
    } finally {
      states = statesOf()
    }
  }
  return Object.assign(ask, { refusalOf, statesOf })
}

async function times(count: number, ask: () => Promise<string>): Promise<string[]> {
  const outcomes: string[] = []
  for (let turn = 0; turn < count; turn += 1) outcomes.push(await ask())
  return outcomes
}

beforeEach(() => {
  now = 1_000_000
  answer = up
  states = []
  asked = 0
})

describe('a closed circuit', () => {
  it('opens when the ratio and the least number are reached, and not before', async () => {
    const ask = breaker()
    answer = down
    expect(await times(9, ask)).toEqual(Array(9).fill('unreachable'))
    expect(states).toEqual([])
    expect(await times(2, ask)).toEqual(['unreachable', 'circuit_open'])
    expect(states).toEqual(['open'])
    expect(asked).toBe(10)
  })

  it('is opened by a failure alone, and not by the answer that makes them many enough', async () => {
    const ask = breaker()
    answer = down
    await times(9, ask)
    answer = up
    await times(1, ask)
    expect(states).toEqual([])
    answer = down
    await times(1, ask)
    expect(states).toEqual(['open'])
  })

  it('opens where exactly half of the checks failed', async () => {
    const ask = breaker()
    await times(5, ask)
    answer = down
    await times(4, ask)
    expect(states).toEqual([])
    await times(1, ask)
    expect(states).toEqual(['open'])
  })

  it.each<[string, () => ParsedVerdict]>([
    ['a denial', up],
    ['a 500', failing('service_error', 500)],
    ['a bug', bug],
  ])('is not opened by %s, which one caller could cause', async (_what, odd) => {
    const ask = breaker()
    answer = odd
    await times(100, ask)
    expect(states).toEqual([])
    expect(asked).toBe(100)
  })
})

describe('an open circuit', () => {
  async function opened(concurrency?: { maxInFlight: number; maxWaiting: number }) {
    const ask = breaker(concurrency)
    answer = down
    await times(10, ask)
    asked = 0
    return ask
  }

  it('rejects with the time to wait, and with one error for each second', async () => {
    const ask = await opened()
    now += 1
    const refusal = ask.refusalOf()
    expect(refusal).toMatchObject({ reason: 'circuit_open', retryAfterMs: 5000 })
    now += 998
    expect(ask.refusalOf()).toBe(refusal)
    now += 1
    expect(ask.refusalOf()).toMatchObject({ reason: 'circuit_open', retryAfterMs: 4000 })
    now += 3999
    expect(ask.refusalOf()).toMatchObject({ reason: 'circuit_open', retryAfterMs: 1000 })
    now += 1
    expect(ask.refusalOf()).toBeUndefined()
    expect(ask.statesOf()).toEqual(['open'])
    answer = () => new Promise(() => undefined)
    void ask()
    expect(ask.refusalOf()).toMatchObject({ reason: 'circuit_open' })
    now += 1000
    expect(ask.refusalOf()).toBeUndefined()
  })

  it('rejects a check that has waited for a slot while it opened, and asks nothing', async () => {
    const rules = {
      circuitBreaker: { openMs: 5000 },
      concurrency: { maxInFlight: 1, maxWaiting: 64 },
    }
    const fail = (): never => {
      asked += 1
      return down()
    }
    const { run } = callsTo(fail, rules, { now: () => now })
    const reasonOf = (error: AuthUnavailableError): string => error.reason
    const ended = Array.from({ length: 11 }, () => run().then(() => 'ok', reasonOf))
    const outcomes = await Promise.all(ended)
    expect(outcomes.filter((outcome) => outcome === 'unreachable')).toHaveLength(10)
    expect(outcomes).toContain('circuit_open')
    expect(asked).toBe(10)
  })

  it('then lets exactly one probe through, and no other check waits for its slot', async () => {
    const ask = await opened({ maxInFlight: 1, maxWaiting: 1 })
    now += 5000
    const release = vi.fn<(verdict: ParsedVerdict) => void>()
    answer = () => new Promise((resolve) => release.mockImplementation(resolve))
    const probe = ask()
    expect(await times(100, ask)).toEqual(Array(100).fill('circuit_open'))
    expect(asked).toBe(1)
    expect(ask.statesOf()).toEqual(['open', 'half_open'])
    release(DENY)
    expect(await probe).toBe('deny')
    expect(states).toEqual(['open', 'half_open', 'closed'])
  })

  it.each<[string, () => ParsedVerdict]>([
    ['deny', up],
    ['service_error', failing('service_error', 500)],
  ])('closes with any one answer, and starts to count again: %s', async (outcome, answered) => {
    const ask = await opened()
    now += 5000
    answer = answered
    expect(await times(2, ask)).toEqual([outcome, outcome])
    expect(states).toEqual(['open', 'half_open', 'closed'])
    answer = down
    await times(1, ask)
    expect(states).toEqual(['open', 'half_open', 'closed'])
  })

  it('opens again when the probe gets no answer', async () => {
    const ask = await opened()
    now += 5000
    expect(await times(2, ask)).toEqual(['unreachable', 'circuit_open'])
    expect(asked).toBe(1)
    expect(states).toEqual(['open', 'half_open', 'open'])
    now += 4999
    expect(await ask()).toBe('circuit_open')
    now += 1
    answer = up
    expect(await ask()).toBe('deny')
  })

  it('opens again when the probe ends in a bug, which says nothing about the endpoint', async () => {
    const ask = await opened()
    now += 5000
    answer = bug
    expect(await ask()).toBe('bug')
    expect(states).toEqual(['open', 'half_open', 'open'])
  })

  it('only the probe closes the circuit, not an older call that ends first', async () => {
    const ask = breaker()
    const releases: ((verdict: ParsedVerdict) => void)[] = []
    answer = () => new Promise((resolve) => releases.push(resolve))
    const early = ask()
    answer = down
    await times(10, ask)
    now += 5000
    answer = () => new Promise((resolve) => releases.push(resolve))
    const probe = ask()
    releases[0]?.(DENY)
    await early
    expect(states).toEqual(['open', 'half_open'])
    releases[1]?.(DENY)
    await probe
    expect(states).toEqual(['open', 'half_open', 'closed'])
  })

  it('is not opened again by failures of calls of before', async () => {
    const ask = breaker()
    const fails: (() => void)[] = []
    answer = () => new Promise((_resolve, reject) => fails.push(() => reject(unreachable)))
    const early = Array.from({ length: 10 }, ask)
    answer = down
    await times(10, ask)
    now += 4000
    for (const fail of fails) fail()
    expect(await Promise.all(early)).toEqual(Array(10).fill('unreachable'))
    expect(ask.statesOf()).toEqual(['open'])
  })
})

describe('two circuits', () => {
  async function openedFor(...opened: boolean[]) {
    const { run, refusalOf, circuits } = callsTo(
      ({ told }) => (told === 'down' ? down() : DENY),
      { circuitBreaker: { openMs: 5000 } },
      { now: () => now, isKnown: (token) => token === 'known' },
    )
    const tokenOf = (known: boolean): string => (known ? 'known' : 'unknown')
    for (const isKnown of opened.flatMap((one) => Array<boolean>(10).fill(one))) {
      await expect(run(checkOf(tokenOf(isKnown), 'down'))).rejects.toThrow('unreachable')
    }
    return {
      asked: async (known: boolean) => (await run(checkOf(tokenOf(known)))).outcome,
      refusal: (known: boolean) => refusalOf(checkOf(tokenOf(known))),
      circuits,
    }
  }

  it.each([
    [false, 'unknown'],
    [true, 'known'],
  ])('stop those alone whose checks failed: known is %s', async (isKnown, tokens) => {
    const { asked: askOf, refusal, circuits } = await openedFor(isKnown)
    expect([refusal(!isKnown), refusal(isKnown)?.reason]).toEqual([undefined, 'circuit_open'])
    expect(circuits).toEqual([`${tokens} open`])
    expect(await askOf(!isKnown)).toBe('deny')
    await expect(askOf(isKnown)).rejects.toMatchObject({ reason: 'circuit_open' })
  })

  it('stop all if the checks of both failed', async () => {
    const { refusal } = await openedFor(true, false)
    for (const isKnown of [true, false]) expect(refusal(isKnown)?.reason).toBe('circuit_open')
  })
})
