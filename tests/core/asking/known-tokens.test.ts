import { beforeEach, describe, expect, it } from 'vitest'
import { Generations, KnownTokens, recognise } from '../../../src/core/asking/known-tokens.ts'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { RecentOutage } from '../../../src/core/asking/outage.ts'
import { NOBODY } from '../../../src/core/endpoint/identity.ts'
import { checkOf } from '../../support/checks.ts'
import { collectGarbage } from '../../support/garbage.ts'
import type { Check } from '../../../src/core/request/check.ts'
import type { ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const HALF_HOUR = 1_800_000
let now = 0

function tokens(generations = new Generations({ now: () => now })) {
  const known = new KnownTokens(generations)
  return {
    isEmpty: () => known.isEmpty(),
    clear: () => known.forget(),
    add: (token: string) => known.add(token),
    has: (token: string) => known.has(token),
    delete: (token: string) => known.forget(token),
  }
}

beforeEach(() => {
  now = 5000
})

describe('known tokens', () => {
  it('are those that were added', () => {
    const { add, has, isEmpty } = tokens()
    expect([isEmpty(), has('a')]).toEqual([true, false])
    add('a')
    expect([isEmpty(), has('a'), has('b'), has('')]).toEqual([false, true, false, false])
  })

  it('are forgotten one by one or all at once, however old', () => {
    const { add, has, isEmpty, delete: remove, clear } = tokens()
    for (const token of ['a', 'b']) add(token)
    now += HALF_HOUR
    for (const token of ['c', 'd']) add(token)
    expect(isEmpty()).toBe(false)
    for (const token of ['a', 'c']) remove(token)
    expect(['a', 'b', 'c', 'd'].map(has)).toEqual([false, true, false, true])
    add('c')
    clear()
    expect(['a', 'b', 'c'].map(has)).toEqual([false, false, false])
    expect(isEmpty()).toBe(true)
  })

  it('are known for half an hour to an hour after the last allow', () => {
    const { add, has, isEmpty } = tokens()
    now += HALF_HOUR - 1
    add('late')
    now += 1
    add('again')
    now += HALF_HOUR - 1
    expect([has('late'), has('again')]).toEqual([true, true])
    now += 1
    expect([has('late'), has('again')]).toEqual([false, true])
    now += HALF_HOUR
    expect([has('again'), isEmpty()]).toEqual([false, true])
  })

  it('are all forgotten after an hour in which nothing was asked', () => {
    const { add, has } = tokens()
    add('a')
    now += 2 * HALF_HOUR
    expect(has('a')).toBe(false)
    const other = tokens()
    other.add('a')
    now += 2 * HALF_HOUR - 1
    expect(other.has('a')).toBe(true)
  })

  it('are 16,384 in a generation, of all guards of a cache, and the oldest generation goes first', () => {
    const generations = new Generations({ now: () => now })
    const [one, other] = [tokens(generations), tokens(generations)]
    const half = Array.from({ length: 8192 }, (_, index) => `t${index}`)
    half.forEach(one.add)
    half.forEach(other.add)
    // Nothing is counted twice.
    half.forEach(one.add)
    expect([one.has('t0'), other.has('t8191')]).toEqual([true, true])
    one.add('next')
    expect([one.has('t0'), other.has('t0'), one.has('next'), other.has('next')]).toEqual([
      true,
      true,
      true,
      false,
    ])
    half.forEach((token) => one.add(`${token}'`))
    half.forEach((token) => other.add(`${token}'`))
    expect([one.has('t0'), other.has('t0'), one.has('next')]).toEqual([false, false, true])
  })

  it('are 8,000,000 characters in a generation', () => {
    const { add, has } = tokens()
    const long = 'x'.repeat(4_000_000)
    for (const token of [`${long.slice(1)}a`, `${long.slice(1)}b`, 'c']) add(token)
    now += HALF_HOUR - 1
    expect([`${long.slice(1)}a`, `${long.slice(1)}b`, 'c'].map(has)).toEqual([true, true, true])
    add('d'.repeat(8_000_000))
    expect([`${long.slice(1)}a`, 'c'].map(has)).toEqual([false, true])
  })

  it('hold nothing of the headers that they were cut out of', () => {
    const heap = (): number => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const { add } = tokens()
    const before = heap()
    for (let index = 0; index < 1000; index += 1) {
      add(`${index} ${'x'.repeat(100_000)}`.slice(0, 20 + String(index).length))
    }
    expect(heap() - before).toBeLessThan(10_000_000)
  })
})

const ALLOW = { outcome: 'allow', auth: NOBODY } as const
const DENY = { outcome: 'deny', isLasting: false } as const

function recognising(answer: (check: Check) => ParsedVerdict | Promise<ParsedVerdict>) {
  const outage = new RecentOutage(() => 0)
  const known = new KnownTokens(new Generations({ now: () => 0 }))
  const verify = recognise(answer, () => known, outage)
  const isKnown = async (token: string): Promise<boolean> => {
    const check = checkOf(token)
    await verify(check, Infinity)
    return check.isKnown
  }
  return { verify, isKnown, outage }
}

it('knows a token after an allow, until it is denied', async () => {
  let verdict: ParsedVerdict = ALLOW
  const { isKnown } = recognising(() => verdict)
  expect([await isKnown('t'), await isKnown('t'), await isKnown('u')]).toEqual([false, true, false])
  verdict = DENY
  expect([await isKnown('t'), await isKnown('t'), await isKnown('u')]).toEqual([true, false, true])
})

it('knows a token still after a 403, which rejects one request of it', async () => {
  let answer: ParsedVerdict = ALLOW
  const { isKnown } = recognising((check) => {
    check.endpointStatus = answer === DENY ? 403 : 200
    return answer
  })
  await isKnown('t')
  answer = DENY
  expect([await isKnown('t'), await isKnown('t')]).toEqual([true, true])
  expect([await isKnown('u'), await isKnown('u')]).toEqual([false, false])
})

it('says so before anything is asked', async () => {
  const seen: boolean[] = []
  const { verify } = recognising(({ isKnown }) => {
    seen.push(isKnown)
    return ALLOW
  })
  await verify(checkOf(), Infinity)
  await verify(checkOf(), Infinity)
  expect(seen).toEqual([false, true])
})

it.each([
  ['an outage', new AuthUnavailableError('unreachable'), 1, true],
  ['a timeout before the endpoint was asked', new AuthUnavailableError('timeout'), 0, false],
  ['another failure', new AuthUnavailableError('rate_limited'), 1, false],
  ['a bug', new Error('bug'), 1, false],
])('notes %s: %s', async (_what, error, attempts, isNoted) => {
  const { verify, outage } = recognising((check) => {
    check.attempts = attempts
    return Promise.reject(error)
  })
  await expect(verify(checkOf(), Infinity)).rejects.toBe(error)
  expect(outage.isRecent()).toBe(isNoted)
})

it('throws at once what the next policy throws at once', () => {
  const { verify } = recognising(() => {
    throw new AuthUnavailableError('circuit_open')
  })
  expect(() => verify(checkOf(), Infinity)).toThrow('circuit_open')
})
