import { describe, expect, it, vi } from 'vitest'
import { Slots } from '../../../../src/core/asking/slots/slots.ts'
import { callsTo } from '../calls.ts'
import { checkOf } from '../../../support/checks.ts'
import type { Check } from '../../../../src/core/request/check.ts'
import type { Attempt, ParsedVerdict } from '../../../../src/core/endpoint/verdict.ts'

const ALLOW: ParsedVerdict = { outcome: 'allow', auth: { attributes: {}, scopes: [] } }
const DENY = { outcome: 'deny', isLasting: true } as const

type Next = (check: Check, attempt: Attempt) => ParsedVerdict | Promise<ParsedVerdict>

/** An endpoint that answers when it is told to, in the order in which it was asked. */
function heldEndpoint() {
  const asked: string[] = []
  const answers = new Map<string, (verdict: ParsedVerdict | Error) => void>()
  const next: Next = (check) =>
    new Promise((resolve, reject) => {
      asked.push(check.token)
      answers.set(check.token, (verdict) => {
        if (verdict instanceof Error) reject(verdict)
        else resolve(verdict)
      })
    })
  return {
    next,
    asked,
    answer: (token: string, verdict: ParsedVerdict | Error = DENY) => answers.get(token)?.(verdict),
  }
}

/** Tokens in capitals are known. */
function limited(
  next: Next,
  maxInFlight = 2,
  maxWaiting = 2,
  now = () => 0,
  hasKnown = () => false,
  isFinal = true,
) {
  const concurrency = { maxInFlight, maxWaiting }
  const { run } = callsTo(
    next,
    { concurrency },
    {
      now,
      isFinal,
      isKnown: (token) => token === token.toUpperCase(),
      isAnyKnown: hasKnown,
    },
  )
  return (token: string, timeoutMs = LONG) => {
    const verdict = run(checkOf(token), timeoutMs)
    verdict.catch(() => undefined)
    return verdict
  }
}

// On a busy machine half of the usual time may pass while they wait.
const LONG = 60_000
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

describe('limit', () => {
  it('starts `maxInFlight` calls, and the next known one when a call ends', async () => {
    const endpoint = heldEndpoint()
    const ask = limited(endpoint.next)
    const verdicts = ['A', 'B', 'C', 'D'].map((token) => ask(token))
    await settle()
    expect(endpoint.asked).toEqual(['A', 'B'])
    endpoint.answer('B')
    await settle()
    expect(endpoint.asked).toEqual(['A', 'B', 'C'])
    endpoint.answer('A', new Error('bug'))
    await settle()
    expect(endpoint.asked).toEqual(['A', 'B', 'C', 'D'])
    endpoint.answer('C')
    endpoint.answer('D')
    expect((await Promise.allSettled(verdicts)).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
  })

  it('rejects the surplus of known tokens at once as overloaded', async () => {
    const endpoint = heldEndpoint()
    const ask = limited(endpoint.next)
    const soon = (token: string): Promise<unknown> =>
      Promise.race([ask(token, 100_000).catch((error) => error), settle()])
    for (const token of ['A', 'B', 'C', 'D']) expect(await soon(token)).toBeUndefined()
    expect(await soon('E')).toMatchObject({ reason: 'overloaded' })
    expect(await soon('unknown')).toMatchObject({ reason: 'overloaded' })
    const none = limited(heldEndpoint().next, 1, 0)
    void none('a')
    await expect(none('b')).rejects.toMatchObject({ reason: 'overloaded' })
  })

  it.each([
    ['known tokens, first come, first served', 3, ['A', 'B', 'C', 'D'], ['A', 'B', 'C', 'D']],
    ['unknown tokens, first come, first served', 6, ['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd']],
    ['the newest unknown token in a crowd', 3, ['a', 'b', 'c', 'd'], ['a', 'd', 'c', 'b']],
    ['known tokens before all others', 10, ['a', 'b', 'C', 'd', 'E'], ['a', 'C', 'E', 'b', 'd']],
  ])('gives a free place to %s', async (_whom, maxWaiting, come, served) => {
    const endpoint = heldEndpoint()
    const ask = limited(endpoint.next, 1, maxWaiting)
    for (const token of come) void ask(token)
    for (const token of served) {
      endpoint.answer(token)
      await settle()
    }
    expect(endpoint.asked).toEqual(served)
  })

  it.each([
    ['an unknown', 'new'],
    ['a known', 'NEW'],
  ])('gives %s token the place of the unknown one that has waited longest', async (_, token) => {
    const endpoint = heldEndpoint()
    const ask = limited(endpoint.next, 1, 3)
    // A client owes nothing for a denial of a check that did not wait.
    void ask('denied')
    endpoint.answer('denied')
    await settle()
    const [, first, second, known] = ['a', 'first', 'second', 'KNOWN'].map((waiting) =>
      ask(waiting),
    )
    void ask(token)
    await expect(Promise.race([first, settle()])).rejects.toMatchObject({ reason: 'overloaded' })
    await expect(Promise.race([second, known, settle()])).resolves.toBeUndefined()
  })

  it.each([
    ['keeps a quarter of the places for known tokens as soon as there are any', 8, true, 6],
    ['keeps no place where no token is known', 8, false, 8],
    ['keeps no place where a quarter is less than one', 3, true, 3],
  ])('%s', async (_what, maxInFlight, hasKnown, forUnknown) => {
    const endpoint = heldEndpoint()
    const ask = limited(
      endpoint.next,
      maxInFlight,
      20,
      () => 0,
      () => hasKnown,
    )
    const names = (prefix: string): string[] =>
      Array.from({ length: maxInFlight }, (_none, index) => prefix + index)
    for (const token of names('u')) void ask(token)
    expect(endpoint.asked).toEqual(names('u').slice(0, forUnknown))
    for (const token of names('K')) void ask(token)
    const known = endpoint.asked.slice(forUnknown)
    expect(known).toEqual(names('K').slice(0, maxInFlight - forUnknown))
    // Nor does an unknown one take it when a known call ends.
    for (const token of known) endpoint.answer(token)
    await settle()
    expect(endpoint.asked.filter((token) => token.startsWith('u'))).toHaveLength(forUnknown)
  })

  describe('a flood of denied tokens', () => {
    const flooded = (isFinal: boolean, prefix = 'u') => {
      const endpoint = heldEndpoint()
      const clock = { time: 0 }
      const ask = limited(
        endpoint.next,
        32,
        2000,
        () => clock.time,
        () => true,
        isFinal,
      )
      for (let index = 0; index < 2000; index += 1) void ask(prefix + index)
      /** Answers all calls in flight. Returns how many there were. */
      const answerAll = async (verdict: ParsedVerdict | Error = DENY): Promise<number> => {
        const inFlight = endpoint.asked.splice(0)
        for (const token of inFlight) endpoint.answer(token, verdict)
        await settle()
        return inFlight.length
      }
      const deny = async (times: number): Promise<Set<number>> => {
        const counts = new Set<number>()
        for (let round = 0; round < times; round += 1) counts.add(await answerAll())
        return counts
      }
      return { ask, clock, answerAll, deny }
    }

    it('of more than 400 in a second gets four places, until it is over', async () => {
      const { clock, answerAll, deny } = flooded(true)
      // Sixteen times 24 places are 384.
      expect(await deny(16)).toEqual(new Set([24]))
      expect(await deny(3)).toEqual(new Set([24, 16, 4]))
      expect(await deny(5)).toEqual(new Set([4]))
      expect(await answerAll(new Error('no verdict'))).toBe(4)
      clock.time += 1000
      expect(await deny(4)).toEqual(new Set([4]))
      expect(await deny(1)).toEqual(new Set([5]))
      const allowed = [await answerAll(ALLOW), await answerAll(ALLOW), await answerAll(ALLOW)]
      expect(allowed).toEqual([5, 10, 20])
      expect(await deny(5)).toEqual(new Set([24]))
    })

    it.each<[string, ParsedVerdict]>([
      ['forbidden', { ...DENY, reason: 'forbidden' }],
      ['allowed', ALLOW],
    ])('is not told from requests that are only %s', async (_, verdict) => {
      const { answerAll } = flooded(true)
      for (let round = 0; round < 60; round += 1) expect(await answerAll(verdict)).toBe(24)
    })

    it('is none of known tokens', async () => {
      const { ask, answerAll, deny } = flooded(true, 'K')
      await deny(63)
      for (let index = 0; index < 32; index += 1) void ask(`u${index}`)
      expect(await answerAll()).toBe(24)
    })

    it('keeps its places where another verifier is asked next', async () => {
      expect(await flooded(false).deny(60)).toEqual(new Set([24]))
    })
  })

  it('takes a call that is past its deadline for lost (a request that ended on Workers)', () => {
    const slots = new Slots({ maxInFlight: 1, maxWaiting: 0 }, () => false)
    const lost = slots.take({ isKnown: false, deadline: 100 }, 0)
    // Not at once: a call that is alive ends at its deadline, but its timer may run late.
    const early = { isKnown: false, deadline: 1000 }
    expect(slots.take(early, 349)).toBeUndefined()
    expect(() => slots.wait(early, undefined, 349)).toThrow('overloaded')
    expect(slots.take(early, 350)).toBeDefined()
    if (lost !== undefined) slots.give(lost, 350)
    expect(slots.take(early, 350)).toBeUndefined()
  })

  it('gives the slots of lost calls to those that wait for their lane, whoever comes next', async () => {
    const slots = new Slots({ maxInFlight: 4, maxWaiting: 4 }, () => true)
    for (let turn = 0; turn < 3; turn += 1) slots.take({ isKnown: false, deadline: 100 }, 0)
    const started = vi.fn()
    void slots.wait({ isKnown: false, deadline: LONG }, undefined, 0).then(started)
    slots.take({ isKnown: true, deadline: LONG }, 1000)
    await Promise.resolve()
    expect(started).toHaveBeenCalledOnce()
  })

  it('gives no slot to a check with less than half of its time left, or to a lost one', async () => {
    let now = 10_000
    const endpoint = heldEndpoint()
    const ask = limited(endpoint.next, 1, 4, () => now)
    void ask('a')
    const late = ask('late', 600)
    void ask('b')
    now = 10_300
    endpoint.answer('a')
    await settle()
    expect(endpoint.asked).toEqual(['a', 'b'])
    await expect(late).rejects.toMatchObject({ reason: 'overloaded' })
  })

  it('gives the slot of a call that ignores its signal to the next one at its deadline', async () => {
    const hangs = (): Promise<never> => new Promise(() => undefined)
    const ask = limited(({ token }) => (token === 'hung' ? hangs() : ALLOW), 1)
    const hung = ask('hung', 50)
    expect(await ask('next')).toBe(ALLOW)
    await expect(hung).rejects.toMatchObject({ reason: 'timeout' })
  })

  it('looks once at 20,000 waiting checks whose time is over, and not once for each', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const slots = new Slots({ maxInFlight: 1, maxWaiting: 20_000 }, () => false)
    const call = { isKnown: false, deadline: LONG }
    const first = slots.take(call, 0)
    for (let index = 0; index < 20_000; index += 1) void slots.wait(call, undefined, 0)
    const before = process.cpuUsage()
    if (first !== undefined) slots.give(first, LONG)
    const { user } = process.cpuUsage(before)
    vi.useRealTimers()
    expect(user).toBeLessThan(200_000)
    expect(slots.take(call, LONG)).toBeDefined()
  })
})
