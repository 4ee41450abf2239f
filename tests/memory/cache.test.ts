import { beforeEach, describe, expect, it } from 'vitest'
import { NOBODY } from '../../src/core/endpoint/identity.ts'
import { createFacts } from '../../src/core/request/check.ts'
import { runs } from '../support/nightly.ts'
import { checkOf } from '../support/checks.ts'
import {
  allow,
  asked,
  cached,
  deny,
  fail,
  pass,
  resetCachedEndpoint,
  state,
} from './cached-endpoint.ts'
import { collectGarbage } from '../support/garbage.ts'
import { TOKEN } from '../support/token.ts'
import type { AllowVerdict, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'

const GARBAGE = runs(1_000_000)

beforeEach(resetCachedEndpoint)

describe('a cached allow', () => {
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

  it('ages from the question, since the token may be revoked before the answer comes', async () => {
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

  it('lives shorter by up to a tenth, and never longer', async () => {
    asked.mockImplementation(() => allow())
    state.random = 0.999_999
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
    state.now += at
    await outcome()
    pass(399)
    expect(await outcome()).toBe('allow hit')
    // The clock that never jumps alone.
    state.now += 1
    expect(await outcome()).toBe('allow miss')
  })

  it.each([
    [500, 499, 'allow hit'],
    [500, 500, 'allow miss'],
    [99_999_999, 999, 'allow hit'],
    [99_999_999, 1000, 'allow miss'],
  ])('with a max-age of %d is, after %d ms, a %s', async (maxAgeMs, ms, expected) => {
    asked.mockImplementation(() => allow({ maxAgeMs }))
    const { outcome } = cached()
    await outcome()
    pass(ms)
    expect(await outcome()).toBe(expected)
  })

  it('is not used after the time of day went back, or on by as much', async () => {
    asked.mockImplementation(() => allow())
    const { outcome } = cached()
    await outcome()
    state.wall -= 1
    expect(await outcome()).toBe('allow miss')
    // A machine that was frozen: its own clock stood still.
    state.wall += 1000
    expect(await outcome()).toBe('allow miss')
    state.wall += 999
    expect(await outcome()).toBe('allow hit')
  })
})

it.each(['now', 'wall'] as const)(
  'an allow that another instance got ages by each clock, here "%s"',
  async (clock) => {
    asked.mockImplementation(() => allow({ ageMs: 600 }))
    const { outcome } = cached()
    await outcome()
    state[clock] += 399
    expect(await outcome()).toBe('allow hit')
    state[clock] += 1
    expect(await outcome()).toBe('allow miss')
  },
)

describe('an allow that says when it ends (RFC 7662 §4)', () => {
  it.each([0, 100])('ends then, whatever the clocks do, %d ms old', async (ageMs) => {
    asked.mockImplementation(() =>
      allow({ ageMs, auth: { attributes: {}, expiresAt: state.wall + 500 } }),
    )
    const { outcome } = cached()
    await outcome()
    pass(499)
    expect(await outcome()).toBe('allow hit')
    pass(1)
    expect(await outcome()).toBe('allow miss')
    state.wall += 500
    expect(await outcome()).toBe('allow miss')
  })

  it('is not served stale after that', async () => {
    asked
      .mockImplementationOnce(() =>
        allow({ auth: { attributes: {}, expiresAt: state.wall + 1500 } }),
      )
      .mockImplementation(fail('unreachable'))
    const { outcome } = cached({ staleIfErrorMs: 5000 })
    await outcome()
    pass(1499)
    state.isFailing = true
    expect(await outcome()).toBe('allow stale')
    pass(1)
    expect(await outcome()).toBe('unreachable miss')
  })
})

it('a cached denial answers for its own time', async () => {
  asked.mockImplementation(() => deny())
  const { outcome } = cached()
  expect(await outcome()).toBe('deny miss')
  pass(99)
  expect(await outcome()).toBe('deny hit')
  pass(1)
  expect(await outcome()).toBe('deny miss')
})

describe('not cached', () => {
  it.each<[string, () => ParsedVerdict, string]>([
    ['an allow with no-store', () => allow({ maxAgeMs: 0 }), 'allow skipped no_store'],
    ['a denial with no-store', () => deny({ maxAgeMs: 0 }), 'deny skipped no_store'],
    ['a denial by a 404', () => deny({ isLasting: false }), 'deny skipped status'],
    ['an error of the service', fail('service_error', 500), 'service_error miss'],
    ['no answer', fail('timeout'), 'timeout miss'],
    ['a rate limit', fail('rate_limited', 429), 'rate_limited miss'],
  ])('%s', async (_what, answer, expected) => {
    asked.mockImplementation(answer)
    const { outcome } = cached()
    expect(await outcome()).toBe(expected)
    expect(await outcome()).toBe(expected)
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it('a decision with a time to live of 0', async () => {
    const { outcome } = cached({ allowTtlMs: 0, denyTtlMs: 0 })
    asked.mockImplementation(() => allow())
    expect(await outcome()).toBe('allow skipped ttl')
    asked.mockImplementation(() => deny())
    expect(await outcome()).toBe('deny skipped ttl')
  })

  it('a denial that takes more than a quarter of the bytes', async () => {
    const { outcome } = cached({ maxEntries: 1 })
    asked.mockImplementation(() => deny())
    expect(await outcome('t', 'x'.repeat(8100))).toBe('deny skipped too_large')
    expect(await outcome('t', 'x'.repeat(7900))).toBe('deny miss')
    expect(await outcome('t', 'x'.repeat(7900))).toBe('deny hit')
    asked.mockImplementation(() => deny({ explanation: 'x'.repeat(8100) }))
    expect(await outcome()).toBe('deny skipped too_large')
  })

  it('an allow that takes more than three quarters of the bytes', async () => {
    const { outcome } = cached({ maxEntries: 1 })
    const sized = (length: number) => () =>
      allow({ auth: { attributes: { roles: ['x'.repeat(length)] } } })
    asked.mockImplementation(sized(24_400))
    expect(await outcome()).toBe('allow skipped too_large')
    asked.mockImplementation(sized(24_200))
    expect(await outcome()).toBe('allow miss')
    expect(await outcome()).toBe('allow hit')
  })
})

it.each([
  ['of 401', deny()],
  ['of 404', deny({ isLasting: false })],
  ['that is not cached', deny({ maxAgeMs: 0 })],
])('a denial %s wipes the allow, stale or not', async (_what, denial) => {
  const { outcome } = cached({ staleIfErrorMs: 60_000 })
  asked.mockImplementationOnce(() => allow()).mockImplementationOnce(() => denial)
  await outcome()
  pass(1000)
  await outcome()
  pass(200)
  state.isFailing = true
  asked.mockImplementation(fail('unreachable'))
  expect(await outcome()).toBe('unreachable miss')
})

it.each<[string, AllowVerdict['auth'], number]>([
  ['an empty identity', NOBODY, 0],
  ['a principal', { ...NOBODY, principal: 'alice' }, 10],
  ['an empty list', { attributes: { a: [] } }, 160 + 72 + 18],
  ['two lists', { attributes: { a: [], bc: ['x'] } }, 160 + 72 + 18 + 72 + 20 + 8 + 18],
  ['scopes', { ...NOBODY, scopes: ['x'] }, 72 + 8 + 18],
  ['a client and a tenant', { ...NOBODY, clientId: 'app', tenant: 'acme' }, 22 + 24],
  ['claims', { ...NOBODY, claims: { a: 1 } }, 16 * '{"a":1}'.length],
])('counts the objects of %s', async (_who, auth, bytes) => {
  asked.mockImplementation(() => allow({ auth }))
  // The entry, its token, and a principal that may be empty. A quarter of the 64 KiB is for denials.
  const length = (0.75 * 2 ** 16 - 256 - 2 * 'Bearer t'.length - 16 - bytes) / 2
  const outcomeOf = (told: number) => cached({ maxEntries: 1 }).outcome('t', 'x'.repeat(told))
  expect(await outcomeOf(length)).toBe('allow miss')
  expect(await outcomeOf(length + 1)).toBe('allow skipped too_large')
})

describe('bounds', () => {
  it(`${GARBAGE} garbage tokens push out no allow`, { tags: ['slow'] }, async () => {
    asked.mockImplementation(({ token }) => (token.startsWith(TOKEN) ? allow() : deny()))
    const { ask, outcome } = cached({ maxEntries: 100 })
    const good = Array.from({ length: 100 }, (_, index) => `${TOKEN}${index}`)
    for (const token of good) await outcome(token)
    for (let turn = 0; turn < GARBAGE; turn += 1) await ask(`garbage${turn}`)
    for (const token of good) expect(await outcome(token)).toBe('allow hit')
  })

  it('a denial keeps its explanation alone, and not the text that it was cut from', async () => {
    asked.mockImplementation(() => {
      const explanation = Buffer.alloc(1_000_000, 'x').toString('latin1').slice(1, 100)
      return deny({ explanation })
    })
    const { ask } = cached()
    const heap = (): number => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = heap()
    for (let turn = 0; turn < 40; turn += 1) await ask(`t${turn}`)
    asked.mockClear()
    expect(heap() - before).toBeLessThan(10_000_000)
    expect(await ask('t0')).toMatchObject({ explanation: 'x'.repeat(99) })
  })
})

it.each([allow(), deny()])(
  'skips the endpoint if %j was cached since the look-up',
  async (verdict) => {
    const { start, outcome } = cached()
    asked.mockImplementation(() => verdict)
    await outcome()
    asked.mockClear()
    const facts = createFacts('miss')
    expect(await start(checkOf('t', 'a'), facts)).toEqual(verdict)
    expect(facts.cache).toBe('hit')
    expect(asked).not.toHaveBeenCalled()
  },
)
