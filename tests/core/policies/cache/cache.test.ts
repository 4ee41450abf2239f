import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../../src/core/errors.ts'
import { Cache } from '../../../../src/core/policies/cache/cache.ts'
import { NOBODY } from '../../../../src/core/endpoint/verdict.ts'
import { checkOf, verifyWith } from '../../../support/checks.ts'
import type { Check } from '../../../../src/core/request/check.ts'
import type { Verifier } from '../../../../src/core/endpoint/verdict.ts'
import type { CacheConfig } from '../../../../src/core/auth-config.ts'
import type {
  AllowVerdict,
  ParsedVerdict,
  DenyVerdict,
} from '../../../../src/core/endpoint/verdict.ts'

const DEADLINE = 1_000_000
const OPTIONS: Required<CacheConfig> = {
  allowTtlMs: 1000,
  denyTtlMs: 100,
  staleIfErrorMs: 0,
  maxEntries: 100,
  maxBytes: 1_000_000,
}

let now = 0
let wall = 0
let random = 0
let isFailing = false
const outage = { note: () => undefined, isRecent: () => isFailing }
const asked = vi.fn<(check: Check) => ParsedVerdict | Promise<ParsedVerdict>>()

const allow = (extra: Partial<AllowVerdict> = {}): AllowVerdict => ({
  outcome: 'allow',
  auth: { principal: 'alice', attributes: {} },
  ...extra,
})
const deny = (extra: Partial<DenyVerdict> = {}): DenyVerdict => ({
  outcome: 'deny',
  isLasting: true,
  ...extra,
})
const fail = (reason: AuthUnavailableError['reason'], status?: number) => (): never => {
  throw new AuthUnavailableError(reason, { status })
}

function pass(ms: number): void {
  now += ms
  wall += ms
}

/** A cache around an endpoint, and the cache outcome of each check that it is asked. */
function cached(options: Partial<CacheConfig> = {}) {
  const cache = new Cache(
    { ...OPTIONS, ...options },
    { now: () => now, wallNow: () => wall, random: () => random },
  )
  const fill = cache.fill((check) => asked(check))
  const orStale = cache.orStale(fill, outage)
  const verify = verifyWith({
    lookUp: (token, told) => cache.lookUp(token, told),
    ask: (check) => orStale(check, DEADLINE),
  })
  return {
    cache,
    ask: (token = 't', told = 'a') => verify(checkOf(token, told)),
    /** What became of a check: what it ended with, and what the cache did. */
    outcome: async (token = 't', told = 'a'): Promise<string> => {
      const check = checkOf(token, told)
      try {
        const { outcome } = await verify(check)
        return [outcome, check.cache, check.skipped].filter(Boolean).join(' ')
      } catch (error) {
        return [error instanceof AuthUnavailableError ? error.reason : 'bug', check.cache].join(' ')
      }
    },
  }
}

beforeEach(() => {
  now = 10_000
  wall = 1_700_000_000_000
  random = 0
  isFailing = false
  asked.mockReset()
})

describe('a kept allow', () => {
  it('answers at once, without a promise, until its time is over', async () => {
    asked.mockImplementation(() => allow())
    const { ask, outcome } = cached()
    expect(await outcome()).toBe('allow miss')
    pass(999)
    expect(ask()).toEqual(allow())
    expect(await outcome()).toBe('allow hit')
    expect(asked).toHaveBeenCalledOnce()
    pass(1)
    expect(await outcome()).toBe('allow miss')
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it('answers for no other token and for nothing else that is told (A-K1, A-K2)', async () => {
    asked.mockImplementation(() => allow())
    const { outcome } = cached()
    await outcome('t', 'a')
    expect(await outcome('u', 'a')).toBe('allow miss')
    expect(await outcome('t', 'b')).toBe('allow miss')
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('is as old as the question, and not as the answer (a revocation in between)', async () => {
    asked.mockImplementation(async () => {
      pass(600)
      return allow()
    })
    const { outcome } = cached()
    await outcome()
    pass(399)
    expect(await outcome()).toBe('allow hit')
    pass(1)
    expect(await outcome()).toBe('allow miss')
  })

  it('is as old as its question, however old the cache is', async () => {
    asked.mockImplementation(() => allow())
    const { outcome } = cached()
    pass(5000)
    await outcome()
    pass(999)
    expect(await outcome()).toBe('allow hit')
    pass(1)
    expect(await outcome()).toBe('allow miss')
  })

  it('lives shorter by up to a tenth, and never longer (A-C7)', async () => {
    asked.mockImplementation(() => allow())
    random = 0.999_999
    const { outcome } = cached()
    await outcome()
    pass(899)
    expect(await outcome()).toBe('allow hit')
    pass(1)
    expect(await outcome()).toBe('allow miss')
  })

  it.each([
    ['its time is', { maxAgeMs: 400.9 }, 0],
    ['it was asked at', { maxAgeMs: 400 }, 0.9],
  ])('lives for whole milliseconds, and never longer where %s no whole one', async (_, age, at) => {
    asked.mockImplementation(() => allow(age))
    const { outcome } = cached()
    now += at
    await outcome()
    pass(399)
    expect(await outcome()).toBe('allow hit')
    // The clock that never jumps alone.
    now += 1
    expect(await outcome()).toBe('allow miss')
  })

  it.each([
    [500, 499, 'allow hit'],
    [500, 500, 'allow miss'],
    [99_999_999, 999, 'allow hit'],
    [99_999_999, 1000, 'allow miss'],
  ])('with a max-age of %d is, after %d ms, a %s (A-E27)', async (maxAgeMs, ms, expected) => {
    asked.mockImplementation(() => allow({ maxAgeMs }))
    const { outcome } = cached()
    await outcome()
    pass(ms)
    expect(await outcome()).toBe(expected)
  })

  it('is not used after the time of day went back, or on by as much (A-C8)', async () => {
    asked.mockImplementation(() => allow())
    const { outcome } = cached()
    await outcome()
    wall -= 1
    expect(await outcome()).toBe('allow miss')
    // A machine that was frozen: its own clock stood still.
    wall += 1000
    expect(await outcome()).toBe('allow miss')
    wall += 999
    expect(await outcome()).toBe('allow hit')
  })
})

describe('an allow that says when it ends (RFC 7662 §4, A-K17)', () => {
  it('ends then by the time of day, whatever the clocks do', async () => {
    asked.mockImplementation(() => allow({ endsAt: wall + 500 }))
    const { outcome } = cached()
    await outcome()
    pass(499)
    expect(await outcome()).toBe('allow hit')
    pass(1)
    expect(await outcome()).toBe('allow miss')
    wall += 500
    expect(await outcome()).toBe('allow miss')
  })

  it('serves nobody stale beyond that', async () => {
    asked
      .mockImplementationOnce(() => allow({ endsAt: wall + 1500 }))
      .mockImplementation(fail('unreachable'))
    const { outcome } = cached({ staleIfErrorMs: 5000 })
    await outcome()
    pass(1499)
    isFailing = true
    expect(await outcome()).toBe('allow stale')
    pass(1)
    expect(await outcome()).toBe('unreachable miss')
  })
})

describe('a kept denial', () => {
  it('answers for its own time', async () => {
    asked.mockImplementation(() => deny())
    const { outcome } = cached()
    expect(await outcome()).toBe('deny miss')
    pass(99)
    expect(await outcome()).toBe('deny hit')
    pass(1)
    expect(await outcome()).toBe('deny miss')
  })

  it('is replaced by an allow (A-K13)', async () => {
    asked.mockImplementationOnce(() => deny()).mockImplementation(() => allow())
    const { outcome } = cached()
    await outcome()
    pass(100)
    await outcome()
    pass(1)
    expect(await outcome()).toBe('allow hit')
    pass(-50)
    expect(await outcome()).not.toBe('deny hit')
  })
})

describe('what is not kept', () => {
  it.each<[string, () => ParsedVerdict, string]>([
    [
      'an allow that the endpoint forbids to keep',
      () => allow({ maxAgeMs: 0 }),
      'allow skipped no_store',
    ],
    ['a denial that it forbids to keep', () => deny({ maxAgeMs: 0 }), 'deny skipped no_store'],
    ['a denial by a 404 (A-K12)', () => deny({ isLasting: false }), 'deny skipped status'],
    ['an error of the service (A-K12)', fail('service_error', 500), 'service_error miss'],
    ['no answer (A-K12)', fail('timeout'), 'timeout miss'],
    ['a rate limit (A-E30)', fail('rate_limited', 429), 'rate_limited miss'],
  ])('%s', async (_what, answer, expected) => {
    asked.mockImplementation(answer)
    const { outcome } = cached()
    expect(await outcome()).toBe(expected)
    expect(await outcome()).toBe(expected)
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it('what is given no time', async () => {
    const { outcome } = cached({ allowTtlMs: 0, denyTtlMs: 0 })
    asked.mockImplementation(() => allow())
    expect(await outcome()).toBe('allow skipped ttl')
    asked.mockImplementation(() => deny())
    expect(await outcome()).toBe('deny skipped ttl')
  })

  it('what takes more than three quarters of the bytes, at two a character', async () => {
    const { outcome } = cached({ maxBytes: 4000 })
    const sized = (length: number) => () =>
      allow({ auth: { attributes: { roles: ['x'.repeat(length)] } } })
    asked.mockImplementation(sized(1500))
    expect(await outcome()).toBe('allow skipped too_large')
    asked.mockImplementation(sized(1200))
    expect(await outcome()).toBe('allow miss')
    expect(await outcome()).toBe('allow hit')
  })

  it('what does not fit', async () => {
    const { outcome } = cached({ maxBytes: 4000 })
    const attributes = { roles: ['x'.repeat(4000)] }
    asked.mockImplementation(() => allow({ auth: { attributes } }))
    expect(await outcome()).toBe('allow skipped too_large')
    asked.mockImplementation(() => deny())
    expect(await outcome('t'.repeat(2000))).toBe('deny skipped too_large')
  })
})

describe('a denial', () => {
  it.each([
    ['of 401', deny()],
    ['of 404', deny({ isLasting: false })],
    ['that is not kept', deny({ maxAgeMs: 0 })],
  ])('%s wipes the allow, stale or not (A-K14)', async (_what, denial) => {
    const { outcome } = cached({ staleIfErrorMs: 60_000 })
    asked.mockImplementationOnce(() => allow()).mockImplementationOnce(() => denial)
    await outcome()
    pass(1000)
    await outcome()
    pass(200)
    asked.mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('unreachable miss')
  })

  it('wipes nothing of another question', async () => {
    asked.mockImplementation(({ told }) => (told === 'a' ? allow() : deny()))
    const { outcome } = cached()
    await outcome('t', 'a')
    await outcome('t', 'b')
    expect(await outcome('t', 'a')).toBe('allow hit')
  })
})

it.each<[string, AllowVerdict['auth'], number]>([
  ['nobody', NOBODY, 0],
  ['a principal', { ...NOBODY, principal: 'alice' }, 10],
  ['an empty list', { attributes: { a: [] } }, 160 + 72 + 18],
  ['two lists', { attributes: { a: [], bc: ['x'] } }, 160 + 72 + 18 + 72 + 20 + 8 + 18],
])('counts the objects of %s', async (_who, auth, bytes) => {
  asked.mockImplementation(() => allow({ auth }))
  // The entry, its token and what is told, and a principal that may be empty.
  const size = 256 + 4 + 16 + bytes
  // A quarter is for denials.
  const outcomeWithin = (room: number) => cached({ maxBytes: room / 0.75 + 0.01 }).outcome()
  expect(await outcomeWithin(size)).toBe('allow miss')
  expect(await outcomeWithin(size - 1)).toBe('allow skipped too_large')
})

describe('a stale allow', () => {
  async function expired(options: Partial<CacheConfig> = { staleIfErrorMs: 500 }, extra = {}) {
    asked.mockImplementationOnce(() => allow(extra))
    const made = cached(options)
    await made.outcome()
    pass(1000)
    return made
  }

  it.each<[string, () => never]>([
    ['no answer in time', fail('timeout')],
    ['no connection', fail('unreachable')],
    ['a 502', fail('service_error', 502)],
    ['a 503', fail('service_error', 503)],
    ['a 504', fail('service_error', 504)],
    ['an open circuit', fail('circuit_open')],
    ['too many checks', fail('overloaded')],
  ])('serves for %s, and says so', async (_what, answer) => {
    const { ask, outcome } = await expired()
    isFailing = true
    asked.mockImplementation(answer)
    expect(await outcome()).toBe('allow stale')
    const verdict = await ask()
    expect(verdict).toEqual({
      outcome: 'allow',
      auth: { principal: 'alice', attributes: {}, stale: true },
    })
    expect(Object.isFrozen((verdict as AllowVerdict).auth)).toBe(true)
  })

  it.each<[string, () => never]>([
    ['a 500', fail('service_error', 500)],
    ['a 429', fail('rate_limited', 429)],
    ['a body that cannot be used', fail('invalid_response', 200)],
    ['too many checks, where the endpoint has not failed lately', fail('overloaded')],
    [
      'a bug',
      () => {
        throw new Error('bug')
      },
    ],
  ])('does not serve for %s', async (_what, answer) => {
    const { outcome } = await expired()
    asked.mockImplementation(answer)
    expect(await outcome()).not.toContain('allow')
  })

  it('serves no longer than it is told', async () => {
    const { outcome } = await expired()
    asked.mockImplementation(fail('unreachable'))
    isFailing = true
    pass(499)
    expect(await outcome()).toBe('allow stale')
    pass(1)
    expect(await outcome()).toBe('unreachable miss')
  })

  it('does not serve unless it is told to', async () => {
    const { outcome } = await expired({})
    asked.mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('unreachable miss')
  })

  it('does not serve where the endpoint forbade it (R24)', async () => {
    const { outcome } = await expired({ staleIfErrorMs: 500 }, { mustRevalidate: true })
    asked.mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('unreachable miss')
  })

  it('does not serve once an answer came that may not be kept', async () => {
    const { outcome } = await expired()
    asked
      .mockImplementationOnce(() => allow({ maxAgeMs: 0 }))
      .mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('allow skipped no_store')
    expect(await outcome()).toBe('unreachable miss')
  })

  it('does not serve what was invalidated while the endpoint was asked', async () => {
    const { outcome, cache } = await expired()
    asked.mockImplementation(() => {
      cache.forget('t')
      return fail('unreachable')()
    })
    expect(await outcome()).toBe('unreachable miss')
  })

  it('does not serve after the time of day went back', async () => {
    const { outcome } = await expired()
    asked.mockImplementation(fail('unreachable'))
    wall -= 5000
    expect(await outcome()).toBe('unreachable miss')
  })
})

describe('forgetting', () => {
  it('drops all of a token, and of no other', async () => {
    asked.mockImplementation(({ token }) => (token === 'bad' ? deny() : allow()))
    const { cache, outcome } = cached()
    for (const [token, told] of [
      ['t', 'a'],
      ['t', 'b'],
      ['u', 'a'],
      ['bad', 'a'],
    ])
      await outcome(token, told)
    cache.forget('t')
    cache.forget('bad')
    cache.forget('unknown')
    expect(await outcome('u', 'a')).toBe('allow hit')
    expect(await outcome('t', 'a')).toBe('allow miss')
    expect(await outcome('t', 'b')).toBe('allow miss')
    expect(await outcome('bad', 'a')).toBe('deny miss')
    cache.forget()
    expect(await outcome('u', 'a')).toBe('allow miss')
  })

  it.each([['t'], [undefined]])(
    'keeps nothing of what is on its way (A-C5): forget(%s)',
    async (token) => {
      const answers: ((verdict: ParsedVerdict) => void)[] = []
      asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
      const { cache, outcome } = cached()
      const early = outcome()
      cache.forget(token)
      answers[0]?.(allow())
      expect(await early).toBe('allow skipped outdated')
      const late = outcome()
      answers[1]?.(allow())
      expect(await late).toBe('allow miss')
      expect(await outcome()).toBe('allow hit')
    },
  )
})

describe('flights that overtake each other (A-C12)', () => {
  it('the answer to the later question stands', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { ask, outcome } = cached()
    const outcomes = [outcome(), outcome(), outcome('t', 'b')]
    answers[1]?.(allow({ auth: { principal: 'later', attributes: {} } }))
    expect(await outcomes[1]).toBe('allow miss')
    answers[0]?.(allow({ auth: { principal: 'earlier', attributes: {} } }))
    expect(await outcomes[0]).toBe('allow skipped outdated')
    answers[2]?.(allow())
    expect(await outcomes[2]).toBe('allow miss')
    expect(ask()).toMatchObject({ auth: { principal: 'later' } })
    expect(await outcome('t', 'b')).toBe('allow hit')
  })

  it('the answer to the earlier question gives way to the later one', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { ask, outcome } = cached()
    const outcomes = [outcome(), outcome()]
    answers[0]?.(allow({ auth: { principal: 'earlier', attributes: {} } }))
    expect(await outcomes[0]).toBe('allow miss')
    answers[1]?.(allow({ auth: { principal: 'later', attributes: {} } }))
    expect(await outcomes[1]).toBe('allow miss')
    expect(ask()).toMatchObject({ auth: { principal: 'later' } })
  })

  it('a denial wipes the allow even if it answers an earlier question', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { outcome } = cached()
    const outcomes = [outcome(), outcome()]
    answers[1]?.(allow())
    await outcomes[1]
    answers[0]?.(deny())
    expect(await outcomes[0]).toBe('deny skipped outdated')
    void outcome()
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('of a denial and its twin nothing is kept, since a retry asks later than its flight began', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { outcome } = cached()
    const outcomes = [outcome(), outcome()]
    answers[0]?.(deny())
    expect(await outcomes[0]).toBe('deny skipped outdated')
    answers[1]?.(allow())
    expect(await outcomes[1]).toBe('allow skipped outdated')
    void outcome()
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('an allow that is not kept wipes an older denial all the same', async () => {
    const { outcome } = cached()
    asked.mockImplementation(() => deny())
    expect(await outcome()).toBe('deny miss')
    // The time of day is set back, so that the denial is out of sight, and comes into sight again.
    wall -= 10
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const outcomes = [outcome(), outcome()]
    answers[0]?.(deny({ maxAgeMs: 0 }))
    expect(await outcomes[0]).toBe('deny skipped outdated')
    answers[1]?.(allow())
    expect(await outcomes[1]).toBe('allow skipped outdated')
    wall += 10
    asked.mockImplementation(() => allow())
    expect(await outcome()).toBe('allow miss')
  })

  it('a flight that starts when an entry is there does not ask', async () => {
    asked.mockImplementation(() => allow())
    const { cache, outcome } = cached()
    const inner: Verifier = cache.fill(() => {
      throw new Error('must not be asked')
    })
    await outcome()
    expect(await inner(checkOf('t', 'a'), DEADLINE)).toEqual(allow())
  })
})

describe('bounds', () => {
  it('a million garbage tokens push out no allow (A-K9)', { tags: ['slow'] }, async () => {
    asked.mockImplementation(({ token }) => (token.startsWith('good') ? allow() : deny()))
    const { ask, outcome } = cached({ maxEntries: 100 })
    const good = Array.from({ length: 100 }, (_, index) => `good${index}`)
    for (const token of good) await outcome(token)
    for (let turn = 0; turn < 1_000_000; turn += 1) await ask(`garbage${turn}`)
    for (const token of good) expect(await outcome(token)).toBe('allow hit')
  })

  it('a token with a million questions pushes out only itself (A-K10)', async () => {
    asked.mockImplementation(() => allow())
    const { ask, outcome } = cached({ maxEntries: 100 })
    for (let turn = 0; turn < 20; turn += 1) await outcome(`good${turn}`)
    for (let turn = 0; turn < 10_000; turn += 1) await ask('greedy', `told${turn}`)
    for (let turn = 0; turn < 20; turn += 1) expect(await outcome(`good${turn}`)).toBe('allow hit')
    expect(await outcome('greedy', 'told9999')).toBe('allow hit')
    expect(await outcome('greedy', 'told9936')).toBe('allow hit')
    expect(await outcome('greedy', 'told9935')).toBe('allow miss')
  })

  it('flights that were lost (a request that ended on Workers) do not pile up', async () => {
    const { cache } = cached()
    const lost: Check[] = []
    const landings: ((verdict: ParsedVerdict) => void)[] = []
    const verify = cache.fill((check) => {
      lost.push(check)
      return new Promise((resolve) => landings.push(resolve))
    })
    for (let turn = 0; turn < 5000; turn += 1) {
      void verify(checkOf(`t${turn}`), now + 100)
      pass(1)
    }
    expect(lost).toHaveLength(5000)
    // One that lands after all does no harm, and is too old to be kept.
    landings[1]?.(allow())
    await new Promise((resolve) => setTimeout(resolve, 0))
    asked.mockImplementation(() => deny())
    const ask = cache.fill((check) => asked(check))
    expect(await ask(checkOf('t1'), DEADLINE)).toEqual(deny())
  })
})

it('adds no promise of its own where nothing is served stale', () => {
  const { cache } = cached()
  expect(cache.orStale(() => deny(), outage)(checkOf(), DEADLINE)).toEqual(deny())
})

it('asks nobody on the way if a verdict has come in between', async () => {
  const { cache, outcome } = cached()
  asked.mockImplementation(() => allow())
  await outcome()
  const next = vi.fn<() => ParsedVerdict>()
  expect(cache.fill(next)(checkOf('t', 'a'), DEADLINE)).toEqual(allow())
  expect(next).not.toHaveBeenCalled()
})

it('forgets a fill that was refused before it began', async () => {
  const { outcome } = cached()
  asked.mockImplementation(fail('circuit_open'))
  expect(await outcome()).toBe('circuit_open miss')
  // A denial is kept only where nobody else is asking the same.
  asked.mockImplementation(() => deny())
  expect(await outcome()).toBe('deny miss')
  expect(await outcome()).toBe('deny hit')
})
