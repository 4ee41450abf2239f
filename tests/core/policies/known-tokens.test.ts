import { beforeEach, describe, expect, it, vi } from 'vitest'
import { KnownTokens, recognise } from '../../../src/core/policies/known-tokens.ts'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { RecentOutage } from '../../../src/core/policies/outage.ts'
import { NOBODY } from '../../../src/core/endpoint/identity.ts'
import { checkOf } from '../../support/checks.ts'
import type { Check } from '../../../src/core/request/check.ts'
import type { ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const HALF_HOUR = 1_800_000
let now = 0

function tokens() {
  const known = new KnownTokens({ now: () => now })
  return {
    isEmpty: () => known.isEmpty(),
    clear: () => known.forget(),
    add: (token: string) => known.add(known.markOf(token)),
    has: (token: string) => known.has(known.markOf(token)),
    delete: (token: string) => known.forget(known.markOf(token)),
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

  it('are 65,536 at most, and the oldest go first', () => {
    const known = new KnownTokens({ now: () => now })
    const has = (mark: number): boolean => known.has([mark, 0])
    for (let mark = 1; mark <= 65_536; mark += 1) known.add([mark, 0])
    expect([1, 40_000, 65_536].map(has)).toEqual([true, true, true])
    known.add([65_537, 0])
    expect([1, 32_768, 32_769, 65_537].map(has)).toEqual([false, false, true, true])
    known.forget([40_000, 0])
    expect(has(40_000)).toBe(false)
  })

  it('are hashed by a key that is drawn at the first use, once', () => {
    const draw = vi.spyOn(crypto, 'getRandomValues')
    const { add, has } = tokens()
    expect(draw).not.toHaveBeenCalled()
    add('a')
    has('a')
    expect(draw).toHaveBeenCalledOnce()
    draw.mockRestore()
  })

  it('need both halves of a mark', () => {
    const known = new KnownTokens({ now: () => now })
    known.add([1, 2])
    expect([known.has([1, 2]), known.has([1, 3]), known.has([2, 2])]).toEqual([true, false, false])
    now += HALF_HOUR
    expect([known.has([1, 2]), known.has([1, 3])]).toEqual([true, false])
  })
})

const ALLOW = { outcome: 'allow', auth: NOBODY } as const
const DENY = { outcome: 'deny', isLasting: false } as const

function recognising(answer: (check: Check) => ParsedVerdict | Promise<ParsedVerdict>) {
  const outage = new RecentOutage(1000, () => 0)
  const verify = recognise(answer, new KnownTokens({ now: () => 0 }), outage)
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
