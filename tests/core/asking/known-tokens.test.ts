import { beforeEach, describe, expect, it } from 'vitest'
import { Generations, KnownTokens } from '../../../src/core/asking/known-tokens.ts'
import { NOBODY } from '../../../src/core/endpoint/identity.ts'
import { callsTo } from './calls.ts'
import { checkOf } from '../../support/checks.ts'
import { createAuthenticator, memoryCache } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import { collectGarbage } from '../../support/garbage.ts'
import type { Attempt, ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const heap = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
const ALLOW = { outcome: 'allow', auth: NOBODY } as const
const HALF_HOUR = 1_800_000
let now = 0

function tokens(generations = new Generations()) {
  const known = new KnownTokens(generations)
  // The first use begins a generation.
  known.isEmpty(now)
  return {
    isEmpty: () => known.isEmpty(now),
    clear: () => known.forget(),
    add: (token: string) => known.add(token, now),
    has: (token: string) => known.has(token, now),
    delete: (token: string) => known.forget(token),
  }
}

beforeEach(() => {
  now = 5000
})

describe('known tokens', () => {
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
    const generations = new Generations()
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

  it('no longer count once they are forgotten', () => {
    const generations = new Generations()
    const [one, other] = [tokens(generations), tokens(generations)]
    one.add('kept')
    for (let turn = 0; turn < 5; turn += 1) {
      for (let index = 0; index < 8192; index += 1) other.add(`t${index}`)
      other.clear()
    }
    expect(one.has('kept')).toBe(true)
  })

  it('are 8,000,000 characters in a generation', () => {
    const { add, has } = tokens()
    const long = 'x'.repeat(4_000_000)
    for (const token of [`${long.slice(1)}a`, `${long.slice(1)}b`, 'c']) add(token)
    now += HALF_HOUR - 1
    expect([`${long.slice(1)}a`, `${long.slice(1)}b`, 'c'].map(has)).toEqual([true, true, true])
    add('d'.repeat(8_000_000))
    expect([`${long.slice(1)}a`, `${long.slice(1)}b`, 'c'].map(has)).toEqual([false, false, true])
  })

  it('hold nothing of the headers that they were cut out of', () => {
    const { add } = tokens()
    const before = heap()
    for (let index = 0; index < 1000; index += 1) {
      add(`${index} ${'x'.repeat(100_000)}`.slice(0, 20 + String(index).length))
    }
    expect(heap() - before).toBeLessThan(10_000_000)
  })
})

it(
  'known tokens take no more memory with every guard of a cache, also of guards that are not asked any more',
  { tags: ['slow'] },
  async () => {
    const cache = memoryCache({ maxEntries: 1 })
    const guards: unknown[] = []
    const growthOfGuard = async (name: string): Promise<number> => {
      const context = { headers: [], params: 'none', path: false } as const
      const guard = createAuthenticator({ verifier: () => ALLOW, cache, context })
      guards.push(guard)
      const before = heap()
      for (let index = 0; index < 16_384; index += 1)
        await guard(get('/', `${name}-${index}-${'x'.repeat(400)}`))
      return heap() - before
    }
    for (const name of ['a', 'b', 'c']) await growthOfGuard(name)
    expect((await growthOfGuard('d')) + (await growthOfGuard('e'))).toBeLessThan(4 * 2 ** 20)
    expect(guards).toHaveLength(5)
  },
)

const DENY = { outcome: 'deny', isLasting: false } as const

/** Whether a token is known, once the endpoint has answered its check. */
function asking(answer: (attempt: Attempt) => ParsedVerdict) {
  const { known, run } = callsTo((_check, attempt) => answer(attempt))
  return async (token: string): Promise<boolean> => {
    await run(checkOf(token))
    return known.has(token, performance.now())
  }
}

it('knows a token after an allow, until it is denied', async () => {
  let verdict: ParsedVerdict = ALLOW
  const isKnownAfter = asking(() => verdict)
  expect([await isKnownAfter('t'), await isKnownAfter('u')]).toEqual([true, true])
  verdict = DENY
  expect([await isKnownAfter('t'), await isKnownAfter('v')]).toEqual([false, false])
  verdict = ALLOW
  expect(await isKnownAfter('t')).toBe(true)
})

it('knows no token of what answers from memory', async () => {
  const { known, run } = callsTo(() => ALLOW, {}, { isLocal: true })
  await run()
  expect(known.isEmpty(performance.now())).toBe(true)
})

it('knows a token still after a 403, which rejects one request of it', async () => {
  let verdict: ParsedVerdict = ALLOW
  const isKnownAfter = asking(({ facts }) => {
    facts.endpointStatus = verdict === DENY ? 403 : 200
    return verdict
  })
  await isKnownAfter('t')
  verdict = DENY
  expect([await isKnownAfter('t'), await isKnownAfter('u')]).toEqual([true, false])
})
