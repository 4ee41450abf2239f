import { describe, expect, it, vi } from 'vitest'
import { createMeter } from '../../src/cli/metrics/meters.ts'
import { memoryCache, withAuth } from '../../src/index.ts'
import { KeyLimits } from '../../src/jwt/key-limits.ts'
import { jwt } from '../../src/jwt.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import {
  ask,
  AUDIENCE,
  goodClaims,
  ISSUER,
  keyOf,
  outcomeOf,
  sign,
  startVerifier,
} from '../support/issuer.ts'
import { usePassingTime } from '../support/passing-time.ts'
import { get } from '../support/requests.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type { DecisionEvent, DefinedVerifier } from '../../src/index.ts'

/** Tokens that name a key which is not among the fetched ones: a new key of the issuer, or a made-up one. */

const pass = usePassingTime()

function madeUp(token: string, count: number, from = 0): string[] {
  const [, payload, signature] = token.split('.')
  return Array.from({ length: count }, (_, index) => {
    const header = JSON.stringify({ alg: 'ES256', kid: `made-up-${from + index}` })
    return `${Buffer.from(header).toString('base64url')}.${payload}.${signature}`
  })
}

function tally(values: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[String(value)] = 1 + (counts[String(value)] ?? 0)
  return counts
}

async function setup() {
  const { key: old, token: good, ...issuer } = await startVerifier()
  await ask(issuer.verifier, good)
  return { ...issuer, old, good }
}

describe('a new key', () => {
  it('works with its first token, however short a time ago the keys were fetched', async () => {
    const { old, next, publish, verifier, calls } = await setup()
    publish(old, next)
    expect(await outcomeOf(verifier, await sign(next))).toBe('allow')
    expect(calls).toHaveLength(2)
  })

  it('works right after an outage, whatever made-up ones came meanwhile', async () => {
    const { old, next, publish, fail, verifier, good } = await setup()
    fail(503)
    for (const token of madeUp(good, 20)) {
      expect(await outcomeOf(verifier, token)).toBe('unreachable unknown_key')
    }
    publish(old, next)
    pass(1000)
    expect(await outcomeOf(verifier, await sign(next))).toBe('allow')
  })

  it('works although a made-up one comes every second', async () => {
    const { old, next, publish, verifier, good } = await setup()
    for (let second = 0; second < 61; second += 1) {
      await outcomeOf(verifier, madeUp(good, 1, second)[0] ?? '')
      pass(1000)
    }
    publish(old, next)
    const token = await sign(next)
    const outcomes: unknown[] = []
    for (let second = 0; second < 7; second += 1) {
      await outcomeOf(verifier, madeUp(good, 1, 100 + second)[0] ?? '')
      outcomes.push(await outcomeOf(verifier, token))
      pass(1000)
    }
    // It is never taken for a bad token, and is let in by the next fetch, which the made-up ones cause.
    const known = outcomes.indexOf('allow')
    expect(known).toBeLessThan(6)
    expect(new Set(outcomes.slice(0, known))).toEqual(new Set(['overloaded unknown_key']))
    expect(new Set(outcomes.slice(known))).toEqual(new Set(['allow']))
  })

  it('is not missed by a token that waits for a fetch of before the rotation', async () => {
    const { old, next, publish, answerWith, verifier, good, calls } = await setup()
    let answer = (): void => undefined
    answerWith((_call, response) => {
      answer = () => void response.end(JSON.stringify({ keys: [old.jwk] }))
    })
    const first = outcomeOf(verifier, madeUp(good, 1)[0] ?? '')
    await expect.poll(() => calls.length).toBe(2)
    publish(old, next)
    const second = outcomeOf(verifier, await sign(next))
    await Promise.resolve()
    answer()
    expect([await first, await second]).toEqual(['unknown_key', 'allow'])
  })
})

it('a token that waits for a fetch which is lost, as on Workers, is rejected as a timeout', async () => {
  const { next, answerWith, verifier, token } = await startVerifier({ timeoutMs: 500 })
  await ask(verifier, token)
  answerWith(() => undefined)
  // The timer of the fetch ends with the request that started it.
  vi.spyOn(globalThis, 'setTimeout').mockReturnValueOnce(undefined as never)
  expect(await outcomeOf(verifier, await sign(next))).toBe('timeout unknown_key')
})

describe('a flood of made-up keys', () => {
  it('causes five fetches at once and one each six seconds, and rejects no good caller', async () => {
    const { verifier, good, calls } = await setup()
    const outcomes: unknown[] = []
    for (let batch = 0; batch < 100; batch += 1) {
      const tokens = [...madeUp(good, 100, 100 * batch), good]
      outcomes.push(...(await Promise.all(tokens.map((token) => outcomeOf(verifier, token)))))
      pass(600)
    }
    const { allow, ...rejected } = tally(outcomes)
    expect(allow).toBe(100)
    expect(new Set(Object.keys(rejected))).toEqual(
      new Set(['overloaded unknown_key', 'unknown_key']),
    )
    // The first, five at once, and nine in the rest of a minute.
    expect(calls).toHaveLength(15)
  })

  it('keeps 256 requests waiting, and rejects the rest at once', async () => {
    const { verifier, good, answerWith } = await setup()
    let answer = (): void => undefined
    answerWith((_call, response) => {
      answer = () => void response.end('{}')
    })
    const outcomes: unknown[] = []
    const all = madeUp(good, 1000).map(async (token) =>
      outcomes.push(await outcomeOf(verifier, token)),
    )
    await expect.poll(() => outcomes.length).toBe(744)
    expect(tally(outcomes)).toEqual({ 'overloaded unknown_key': 744 })
    expect(await outcomeOf(verifier, good)).toBe('allow')
    answer()
    await Promise.all(all)
    expect(outcomes).toHaveLength(1000)
  })

  it('keeps 256 waiting at the start too, and with old keys nobody is rejected for it', async () => {
    const key = await keyOf('ES256', 'a')
    let answer: (set: object) => void = () => undefined
    const keys = (): Promise<object> =>
      new Promise((resolve) => {
        answer = resolve
      })
    const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, keys })
    const good = await sign(key, goodClaims({ exp: 4e9 }))
    const all = Array.from({ length: 300 }, () => outcomeOf(verifier, good))
    await new Promise((resolve) => setTimeout(resolve))
    answer({ keys: [key.jwk] })
    expect(tally(await Promise.all(all))).toEqual({ allow: 256, overloaded: 44 })
    pass(11 * 60_000)
    const later = Array.from({ length: 300 }, () => outcomeOf(verifier, good))
    await new Promise((resolve) => setTimeout(resolve))
    answer({ keys: [key.jwk] })
    expect(tally(await Promise.all(later))).toEqual({ allow: 300 })
  })

  it('is not held up by requests that ended unseen, as they may on Workers', async () => {
    let now = 0
    const room = new KeyLimits(() => now, 5000)
    const lost = new Promise<never>(() => undefined)
    // Each request has a signal of its own.
    for (let index = 0; index < 256; index += 1) void room.wait(lost, new AbortController().signal)
    const { signal } = new AbortController()
    for (const time of [0, 5249]) {
      now = time
      const found = { reason: 'overloaded' }
      await expect(room.wait(Promise.resolve(), signal)).rejects.toMatchObject(found)
    }
    now = 5250
    expect(await room.wait(Promise.resolve('keys'), signal)).toBe('keys')
  })
})

describe('a token whose key was not searched for', () => {
  it('gets a 503 with any `unavailableStatus`, and is counted as neither a denial nor an outage', async () => {
    const { options, good } = await setup()
    const events: DecisionEvent[] = []
    const meter = createMeter('gateway')
    const guarded = withAuth(() => new Response(), {
      verifier: jwt(options),
      cache: memoryCache({ staleIfErrorMs: 60_000 }),
      onEvent: (event) => {
        if (event.type === 'decision') events.push(event)
        meter.measure({ ...event })
      },
    })
    const call = async (token: string): Promise<Response> => guarded(get('/', token))
    for (const token of madeUp(good, 6)) expect((await call(token)).status).toBe(401)
    const response = await call(madeUp(good, 1)[0] ?? '')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('6')
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.json()).toMatchObject({ error: { code: 'overloaded' } })
    expect(events.at(-1)).toMatchObject({
      reason: 'overloaded',
      detail: 'unknown_key',
      status: 503,
      cache: 'miss',
      verifier: 'jwt',
    })
    const counted = meter.families()[0]?.samples.filter(({ value }) => value > 0)
    expect(counted?.map(({ labels }) => labels)).toEqual([
      { outcome: 'deny', reason: 'denied', cache: 'miss', shadow: '' },
      { outcome: 'deny', reason: 'unknown_key', cache: 'off', shadow: '' },
    ])
  })

  it.each([
    ['answers from memory', (verifier: DefinedVerifier) => verifier],
    [
      'does not say so',
      (verifier: DefinedVerifier) => defineVerifier({ ask: verifier.ask, reads: {} }),
    ],
  ])('is not let in by an expired allow, if the verifier %s', async (_what, wrap) => {
    const { old, next, publish, fail, options } = await setup()
    const cache = memoryCache({ allowTtlMs: 60_000, staleIfErrorMs: 300_000 })
    const { ask: call } = guardWith(wrap(jwt({ ...options, keysMaxAgeMs: 60_000 })), { cache })
    const [withdrawn, good] = [await sign(old), await sign(next)]
    expect(await call(withdrawn)).toMatchObject({ outcome: 'allow' })
    publish(next)
    pass(61_000)
    expect(await call(good)).toMatchObject({ outcome: 'allow' })
    fail(503)
    // Its key is known to be withdrawn, and whether it has come back cannot be asked.
    expect(await call(withdrawn)).toMatchObject({ reason: 'unreachable', detail: 'unknown_key' })
  })
})
