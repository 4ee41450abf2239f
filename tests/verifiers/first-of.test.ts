import { describe, expect, it } from 'vitest'
import { AuthUnavailableError, memoryCache } from '../../src/index.ts'
import { defineVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { AskVerifier, Verifier } from '../../src/index.ts'
import type { FirstOfOptions, IntrospectionOptions } from '../../src/verifiers.ts'
import type { Answer } from '../support/verifier-service.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

const ANSWERS = {
  allow: () => ({ json: { active: true, sub: 'alice' } }),
  deny: () => ({ json: { active: false } }),
  unavailable: () => ({ status: 503 }),
} satisfies Record<string, Answer>
type Outcome = keyof typeof ANSWERS

const OUTCOMES = Object.keys(ANSWERS) as Outcome[]
const COMBINATIONS = OUTCOMES.flatMap((a) =>
  OUTCOMES.flatMap((b) => OUTCOMES.map((c) => [a, b, c] as const)),
)

async function startThree(outcomes: readonly Outcome[], given: Partial<IntrospectionOptions> = {}) {
  const services = await Promise.all(outcomes.map((one) => startService(ANSWERS[one])))
  const verifiers = services.map(({ url }) => introspection({ url, client: 'none', ...given }))
  return { services, verifiers, calls: () => services.map(({ calls }) => calls.length) }
}

const NO_RETRY: FirstOfOptions = { retry: false }

describe.each(COMBINATIONS)('with answers %s, %s, %s', (...outcomes) => {
  it('the first that accepts decides alone', async () => {
    const { verifiers, calls } = await startThree(outcomes, { accepts: () => true })
    const decision = await guardWith(firstOf(verifiers, NO_RETRY)).ask()
    const expected = { allow: undefined, deny: 'denied', unavailable: 'service_error' }
    expect(decision.reason).toBe(expected[outcomes[0]])
    expect(calls()).toEqual([1, 0, 0])
  })

  it('with `fallThrough` one allow is enough, and an outage never becomes a denial', async () => {
    const { verifiers, calls } = await startThree(outcomes)
    const verifier = firstOf(verifiers, { ...NO_RETRY, fallThrough: true })
    const { ask } = guardWith(verifier, { cache: memoryCache() })
    const decision = await ask()
    const allowedBy = outcomes.indexOf('allow')
    const isOutage = outcomes.includes('unavailable')
    const denial = isOutage ? 'service_error' : 'denied'
    expect(decision.reason).toBe(allowedBy === -1 ? denial : undefined)
    const asked = allowedBy === -1 ? 3 : allowedBy + 1
    expect(calls()).toEqual([0, 1, 2].map((index) => (index < asked ? 1 : 0)))
    const isCached = allowedBy !== -1 || !isOutage
    expect((await ask()).cache).toBe(isCached ? 'hit' : 'miss')
  })
})

describe('a token', () => {
  it('of one service never reaches another', async () => {
    const owners = ['a_', 'b_', 'c_']
    const services = await Promise.all(owners.map(() => startService(ANSWERS.deny)))
    const verifiers = services.map(({ url }, index) =>
      introspection({
        url,
        client: 'none',
        accepts: (token) => token.startsWith(owners[index] ?? ''),
      }),
    )
    for (const fallThrough of [false, true]) {
      const { ask } = guardWith(firstOf(verifiers, { ...NO_RETRY, fallThrough }))
      for (const owner of owners) await ask(`${owner}${TOKEN}`)
    }
    for (const [index, { calls }] of services.entries()) {
      const tokens = calls.map(({ body }) => new URLSearchParams(body).get('token'))
      expect(tokens).toEqual(Array.from({ length: 2 }, () => `${owners[index]}${TOKEN}`))
    }
  })

  it.each([false, true])(
    'is denied without a call if every verifier rejects its shape (fallThrough %s)',
    async (fallThrough) => {
      const { verifiers, calls } = await startThree(['allow', 'allow', 'allow'], {
        accepts: () => false,
      })
      const decision = await guardWith(firstOf(verifiers, { fallThrough })).ask()
      expect(decision).toMatchObject({
        reason: 'denied',
        detail: 'no_verifier',
        verifier: 'first_of',
      })
      expect(calls()).toEqual([0, 0, 0])
    },
  )

  it.each(['yes', 1, {}, Promise.resolve(true)])(
    'is accepted by `true` alone, and not by %j',
    async (answer) => {
      const { verifiers, calls } = await startThree(['allow'], { accepts: () => answer as never })
      expect(await guardWith(firstOf(verifiers)).ask()).toMatchObject({ detail: 'no_verifier' })
      expect(calls()).toEqual([0])
    },
  )

  it.each([false, true])(
    'stays here if an `accepts` throws (fallThrough %s)',
    async (fallThrough) => {
      const throwing = defineVerifier({
        ask: () => ({ outcome: 'allow' }),
        accepts: (): boolean => {
          throw new Error('bug')
        },
      })
      const { verifiers, calls } = await startThree(['allow'])
      const { ask } = guardWith(firstOf([throwing, ...verifiers], { fallThrough }))
      expect(await ask()).toMatchObject({ reason: 'internal_error' })
      expect(calls()).toEqual([0])
    },
  )
})

describe('`fallThrough`', () => {
  /** A verifier that looks at the token alone. */
  const byToken = (ask: AskVerifier): Verifier => defineVerifier({ ask, reads: {} })
  const denying = (verdict: object): Verifier =>
    byToken(() => ({ outcome: 'deny', ...verdict }) as const)

  it('denies with the first detail, for the shortest time', async () => {
    const verifiers = [denying({}), denying({ detail: 'expired' }), denying({ detail: 'type' })]
    const verifier = firstOf(verifiers, { fallThrough: true })
    expect(await guardWith(verifier).ask()).toMatchObject({ detail: 'expired' })
    const { ask } = guardWith(
      firstOf([denying({ maxAgeMs: 60_000 }), denying({ maxAgeMs: 0 })], { fallThrough: true }),
      { cache: memoryCache() },
    )
    await ask()
    expect(await ask()).toMatchObject({ cache: 'skipped' })
  })

  it('answers 403 if one knows the caller', async () => {
    const verifiers = [denying({ detail: 'inactive' }), denying({ reason: 'forbidden' })]
    expect(await guardWith(firstOf(verifiers, { fallThrough: true })).ask()).toMatchObject({
      reason: 'forbidden',
      status: 403,
      detail: 'inactive',
    })
  })

  it.each([
    ['throws a bug', () => Promise.reject(new RangeError('bug'))],
    ['throws nothing', () => Promise.reject(undefined as never)],
    ['returns no verdict', () => undefined as never],
    ['returns a detail of its own', () => ({ outcome: 'deny', detail: 'hunter2' }) as never],
  ])('goes on after a verifier that %s, and never denies for it', async (_what, broken) => {
    const { verifiers } = await startThree(['allow'])
    const allowed = firstOf([byToken(broken), ...verifiers], { ...NO_RETRY, fallThrough: true })
    expect(await guardWith(allowed).ask()).toMatchObject({ outcome: 'allow' })
    const denied = firstOf([byToken(broken), denying({})], { ...NO_RETRY, fallThrough: true })
    const { ask } = guardWith(denied, { cache: memoryCache() })
    expect(await ask()).toMatchObject({ reason: 'internal_error' })
    expect(await ask()).toMatchObject({ reason: 'internal_error', cache: 'miss' })
  })

  describe('an expired allow', () => {
    type Says = 'allow' | 'deny' | 'forbid' | 'unreachable' | 'service_error'
    const VERDICTS = {
      allow: { outcome: 'allow' },
      deny: { outcome: 'deny' },
      forbid: { outcome: 'deny', reason: 'forbidden' },
    } as const

    /** Members that say what they are told to, behind a cache whose allows expire at once. */
    function guardTwo(wrap = (both: Verifier): Verifier => both) {
      const says: Says[] = ['deny', 'deny']
      const members = [0, 1].map((index) =>
        byToken(() => {
          const said = says[index] ?? 'deny'
          if (said === 'unreachable' || said === 'service_error') {
            throw new AuthUnavailableError(said, { status: said === 'unreachable' ? 502 : 500 })
          }
          return VERDICTS[said]
        }),
      )
      const verifier = wrap(firstOf(members, { ...NO_RETRY, fallThrough: true }))
      const { ask } = guardWith(verifier, {
        cache: memoryCache({ allowTtlMs: 5, staleIfErrorMs: 60_000 }),
      })
      return async (...next: Says[]) => {
        says.splice(0, 2, ...next)
        // The decision before it has expired.
        pass(10)
        const { outcome, reason = outcome, cache } = await ask()
        return `${reason} ${cache}`
      }
    }
    const nested = (both: Verifier): Verifier =>
      firstOf([both, denying({})], { ...NO_RETRY, fallThrough: true })

    it.each([
      ['directly', undefined],
      ['as a member of another one', nested],
    ])('of a member that denies is gone, whatever another one does: %s', async (_how, wrap) => {
      for (const denial of ['deny', 'forbid'] as const) {
        const ask = guardTwo(wrap)
        expect(await ask('allow', 'deny')).toMatch(/^allow/)
        for (let turn = 0; turn < 3; turn += 1) {
          expect(await ask(denial, 'unreachable')).toBe('unreachable miss')
        }
        expect(await ask('unreachable', 'unreachable')).toBe('unreachable miss')
      }
    })

    it.each([
      ['no member allowed it since', 'deny'],
      ['another member allowed it since', 'allow'],
    ] as const)(
      'of a member that denied another question is gone as well: %s',
      async (_when, since) => {
        const says: ('allow' | 'deny' | 'down')[] = []
        const members = [0, 1].map((index) =>
          defineVerifier({
            ask: () => {
              const outcome = says[index] ?? 'down'
              if (outcome === 'down') throw new AuthUnavailableError('unreachable')
              return { outcome } as const
            },
            reads: { path: true },
          }),
        )
        const verifier = firstOf(members, { ...NO_RETRY, fallThrough: true })
        const guarded = guardWith(verifier, {
          cache: memoryCache({ allowTtlMs: 5, staleIfErrorMs: 60_000 }),
        })
        const ask = async (path: string, ...next: typeof says) => {
          says.splice(0, 2, ...next)
          pass(10)
          const { outcome, reason = outcome } = await guarded.ask(TOKEN, path)
          return reason
        }
        expect(await ask('/a', 'allow', 'deny')).toBe('allow')
        expect(await ask('/b', 'deny', since)).toBe(since === 'deny' ? 'denied' : 'allow')
        expect(await ask('/a', 'deny', 'down')).toBe('unreachable')
        expect(await ask('/a', 'down', 'down')).toBe('unreachable')
      },
    )

    it('that another process cached is gone, if a member denies: any may have given it', async () => {
      const cache = memoryCache({ allowTtlMs: 5, staleIfErrorMs: 60_000 })
      const decide = async (...says: AskVerifier[]) => {
        const members = says.map((ask, index) => defineVerifier({ ask, reads: {}, id: `${index}` }))
        const { ask } = guardWith(firstOf(members, { ...NO_RETRY, fallThrough: true }), { cache })
        return ask()
      }
      const deny: AskVerifier = () => ({ outcome: 'deny' })
      const down: AskVerifier = () => Promise.reject(new AuthUnavailableError('unreachable'))
      expect(await decide(() => ({ outcome: 'allow' }), deny)).toMatchObject({ outcome: 'allow' })
      pass(10)
      expect(await decide(down, down)).toMatchObject({ outcome: 'allow', cache: 'stale' })
      expect(await decide(deny, down)).toMatchObject({ reason: 'unreachable', cache: 'miss' })
      expect(await decide(down, down)).toMatchObject({ reason: 'unreachable', cache: 'miss' })
    })

    it('of a member that is down stands in, though others deny a token that they never knew', async () => {
      const ask = guardTwo()
      expect(await ask('allow', 'deny')).toMatch(/^allow/)
      expect(await ask('unreachable', 'deny')).toBe('allow stale')
      expect(await ask('unreachable', 'unreachable')).toBe('allow stale')
      expect(await ask('unreachable', 'service_error')).toBe('allow stale')
      expect(await ask('service_error', 'unreachable')).toBe('service_error miss')
      const second = guardTwo(nested)
      expect(await second('deny', 'allow')).toMatch(/^allow/)
      expect(await second('deny', 'unreachable')).toBe('allow stale')
      expect(await second('unreachable', 'service_error')).toBe('service_error miss')
      expect(await second('unreachable', 'deny')).toBe('unreachable miss')
      expect(await second('unreachable', 'unreachable')).toBe('unreachable miss')
      // Both have allowed it.
      const third = guardTwo()
      await third('allow', 'deny')
      expect(await third('unreachable', 'allow')).toMatch(/^allow/)
      expect(await third('unreachable', 'service_error')).toBe('service_error miss')
    })
  })

  it('leaves time for the verifiers after one that does not answer', async () => {
    const silent = await startService(() => undefined)
    const { verifiers } = await startThree(['allow'])
    const all = [introspection({ url: silent.url, client: 'none' }), ...verifiers]
    const verifier = firstOf(all, { ...NO_RETRY, fallThrough: true })
    const { ask } = guardWith(verifier, { timeoutMs: 1000 })
    expect(await ask()).toMatchObject({ outcome: 'allow', verifier: 'introspection' })
    expect(silent.calls).toHaveLength(1)
  })

  it('gives each the time that is left, divided by those that are left', async () => {
    pass(60_000)
    const left: number[] = []
    const hasty: Verifier = (_question, _signal, run) => {
      left.push(Math.round((run?.timeLeftMs?.() ?? 0) / 10_000))
      return { outcome: 'deny' }
    }
    const verifier = firstOf([hasty, hasty, hasty], { fallThrough: true })
    await guardWith(verifier, { timeoutMs: 60_000 }).ask()
    expect(left).toEqual([2, 3, 6])
  })

  it('asks no further verifier once its signal has aborted', async () => {
    const controller = new AbortController()
    const silent: Verifier = () => {
      controller.abort()
      return new Promise(() => undefined)
    }
    let calls = 0
    const counted: Verifier = () => {
      calls += 1
      return { outcome: 'allow' }
    }
    const verifier = firstOf([silent, counted], { ...NO_RETRY, fallThrough: true })
    const request = { path: '', headers: {}, params: {} }
    const verdict = verifier.ask({ token: TOKEN, request }, controller.signal)
    await expect(verdict).rejects.toMatchObject({ reason: 'timeout' })
    expect(calls).toBe(0)
  })
})
