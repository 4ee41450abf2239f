import { describe, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
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
import { findFreePort } from '../support/loopback.ts'
import { usePassingTime } from '../support/passing-time.ts'

const MINUTE = 60_000
const pass = usePassingTime()
const FOREVER = { exp: 4_000_000_000 }

describe('an outage of the key server at the start', () => {
  it('counts as unavailable, ends with the first good fetch, and brings a call each 5 seconds at most', async () => {
    const { calls, fail, publish, key, verifier, token } = await startVerifier({}, FOREVER)
    fail(503)
    const during = async (minutes: number): Promise<number> => {
      const before = calls.length
      for (let index = 0; index < 1000 * minutes; index += 1) {
        expect(await outcomeOf(verifier, token)).toBe('service_error 503')
        pass(60)
      }
      return calls.length - before
    }
    expect(await during(1)).toBe(14)
    expect(await during(3)).toBe(36)
    publish(key)
    pass(5000)
    expect(await outcomeOf(verifier, token)).toBe('allow')
  })

  it('gives the code of a refused connection', async () => {
    const key = await keyOf('ES256', 'a')
    const jwksUri = `http://127.0.0.1:${await findFreePort()}/`
    const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, jwksUri })
    const found = expect.objectContaining({
      reason: 'unreachable',
      cause: { code: 'ECONNREFUSED' },
    })
    await expect(ask(verifier, await sign(key))).rejects.toEqual(found)
    await expect(ask(verifier, await sign(key))).rejects.toEqual(found)
  })

  it.each([
    ['and for 5 seconds at most, without any key', 0, 4000, 5000],
    ['and for 30 seconds at most, once there were keys', 1, 20_000, 30_000],
  ])('pauses for as long as Retry-After says, %s', async (_what, known, asked, longest) => {
    const { calls, answerWith, verifier, token } = await startVerifier(
      { keysMaxStaleMs: 0 },
      FOREVER,
    )
    if (known > 0) await ask(verifier, token)
    pass(10 * MINUTE)
    const limit = (seconds: number): void =>
      answerWith(() => ({ status: 429, headers: { 'retry-after': String(seconds) } }))
    const callsAfter = async (ms: number): Promise<number> => {
      pass(ms)
      expect(await outcomeOf(verifier, token)).toBe('rate_limited 429')
      return calls.length - known
    }
    limit(asked / 1000)
    expect(await callsAfter(0)).toBe(1)
    limit(3600)
    expect(await callsAfter(asked - 1)).toBe(1)
    expect(await callsAfter(1)).toBe(2)
    expect(await callsAfter(longest - 1)).toBe(2)
    expect(await callsAfter(1)).toBe(3)
  })

  it('of a function that throws is unreachable, whatever it throws', async () => {
    const key = await keyOf('ES256', 'a')
    const keys = vi.fn<() => Promise<object>>(() => {
      throw new RangeError('a secret')
    })
    const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, keys })
    expect(await outcomeOf(verifier, await sign(key))).toBe('unreachable')
    keys.mockResolvedValue({ keys: 'none' })
    pass(1000)
    expect(await outcomeOf(verifier, await sign(key))).toBe('invalid_response')
  })
})

describe('an outage in the middle', () => {
  it('rejects no good caller for 70 minutes, says so once, and then is one', async () => {
    const { options, calls, fail, publish, key, verifier, token } = await startVerifier({}, FOREVER)
    const warnings: string[] = []
    const run = { warn: (message: string): void => void warnings.push(message) }
    await ask(verifier, token, run)
    fail(503)
    for (let minute = 0; minute < 70; minute += 1) {
      expect(await ask(verifier, token, run)).toMatchObject({ outcome: 'allow' })
      pass(MINUTE)
    }
    const host = new URL(String(options.jwksUri)).host
    expect(warnings).toEqual([
      `Keys of ${host} cannot be fetched (service_error 503): using keys that are 10 min old, for at most 60 min`,
    ])
    expect(calls.length).toBeLessThan(70)
    expect(await outcomeOf(verifier, token)).toBe('service_error 503')
    publish(key)
    for (const minutes of [1, 10]) {
      pass(minutes * MINUTE)
      expect(await ask(verifier, token, run)).toMatchObject({ outcome: 'allow' })
      expect(warnings).toHaveLength(1)
    }
    pass(10 * MINUTE)
    fail(500)
    await ask(verifier, token, run)
    expect(warnings).toHaveLength(2)
  })

  it('lets a caller wait once only, if the server hangs', async () => {
    const { calls, sockets, answerWith, jwksUri, verifier, token } = await startVerifier(
      { timeoutMs: 1000 },
      FOREVER,
    )
    await ask(verifier, token)
    answerWith(() => undefined)
    pass(11 * MINUTE)
    const warnings: string[] = []
    const run = { warn: (message: string): void => void warnings.push(message) }
    expect(await ask(verifier, token, run)).toMatchObject({ outcome: 'allow' })
    expect(warnings).toEqual([
      `Keys of ${new URL(jwksUri).host} cannot be fetched (timeout): using keys that are 11 min old, for at most 59 min`,
    ])
    // The try goes on, and its end is awaited here by a second caller.
    expect(await outcomeOf(verifier, token)).toBe('allow')
    await expect.poll(() => calls.length).toBe(2)
    await expect.poll(() => sockets.size, { timeout: 5000 }).toBe(0)
    // From here on it is a known outage, and the next try is for later requests.
    pass(1500)
    const waits = vi.spyOn(globalThis, 'setTimeout')
    expect(await outcomeOf(verifier, token)).toBe('allow')
    await expect.poll(() => calls.length).toBe(3)
    expect(waits.mock.calls.map(([, ms]) => ms)).not.toContain(500)
  })

  it('is forgotten after a while without requests, so that the next one asks first', async () => {
    const { next, fail, publish, verifier, token } = await startVerifier({}, FOREVER)
    await ask(verifier, token)
    fail(503)
    pass(10 * MINUTE)
    expect(await outcomeOf(verifier, token)).toBe('allow')
    publish(next)
    pass(MINUTE)
    expect(await outcomeOf(verifier, token)).toBe('unknown_key')
  })

  it('leaves it open whether a key exists that is not among the old ones', async () => {
    const { next, calls, fail, publish, jwksUri, verifier, token } = await startVerifier()
    await ask(verifier, token)
    pass(MINUTE)
    fail(503)
    for (let index = 0; index < 2; index += 1) {
      await expect(ask(verifier, await sign(next))).rejects.toMatchObject({
        reason: 'unreachable',
        detail: 'unknown_key',
        explanation: `${new URL(jwksUri).host} answered 503`,
      })
    }
    expect(calls).toHaveLength(2)
    publish(next)
    pass(30_000)
    expect(await outcomeOf(verifier, await sign(next))).toBe('allow')
  })

  it('with keysMaxStaleMs: 0 begins when the keys are old', async () => {
    const { fail, verifier, token } = await startVerifier({ keysMaxStaleMs: 0 }, FOREVER)
    await ask(verifier, token)
    fail(503)
    pass(10 * MINUTE - 1)
    expect(await outcomeOf(verifier, token)).toBe('allow')
    pass(1)
    expect(await outcomeOf(verifier, token)).toBe('service_error 503')
  })

  it.each([
    ['service_error 503', { status: 503 }],
    ['timeout', undefined],
  ])('is %s for a caller who waited until the keys were too old', async (outcome, answer) => {
    const times = { keysMaxStaleMs: 1000, timeoutMs: 1500 }
    const { answerWith, verifier, token } = await startVerifier(times, FOREVER)
    await ask(verifier, token)
    pass(10 * MINUTE)
    answerWith(() => {
      pass(2000)
      return answer
    })
    expect(await outcomeOf(verifier, token)).toBe(outcome)
  })
})

describe('a try that hangs', () => {
  it('ends by its own time, and not with the caller who started it', async () => {
    const { key, calls, answerWith, verifier, token } = await startVerifier()
    let answer: (() => void) | undefined
    answerWith((_call, response) => {
      answer = () => response.end(JSON.stringify({ keys: [key.jwk] }))
      return undefined
    })
    const leaving = new AbortController()
    const question = { token, request: { path: '', headers: {}, params: {} } }
    const first = Promise.resolve(verifier.ask(question, leaving.signal))
    const second = outcomeOf(verifier, token)
    await expect.poll(() => answer).toBeDefined()
    leaving.abort()
    await expect(first).rejects.toMatchObject({ reason: 'timeout' })
    answer?.()
    expect(await second).toBe('allow')
    expect(calls).toHaveLength(1)
  })

  it('is followed by one of a caller who has waited for half of its time', async () => {
    const { calls, answerWith, key, verifier, token } = await startVerifier({ timeoutMs: 2000 })
    answerWith(() => (calls.length === 1 ? undefined : { json: { keys: [key.jwk] } }))
    const all = Array.from({ length: 10 }, () => outcomeOf(verifier, token))
    expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, () => 'allow'))
    expect(calls).toHaveLength(2)
    // The first try has failed after the second was good, so it says nothing about now.
    const unknown = await sign(key, goodClaims(), { kid: 'unknown' })
    expect(await outcomeOf(verifier, unknown)).toBe('unknown_key')
  })

  it('brings no third one for a caller who waits for it while the second is good', async () => {
    const { calls, answerWith, key, verifier, token } = await startVerifier({ timeoutMs: 2000 })
    answerWith(() => (calls.length === 1 ? undefined : { json: { keys: [key.jwk] } }))
    const both = [outcomeOf(verifier, token), outcomeOf(verifier, token)]
    await new Promise((resolve) => setTimeout(resolve, 500))
    const third = outcomeOf(verifier, token)
    expect(await Promise.all([...both, third])).toEqual(['allow', 'allow', 'allow'])
    expect(calls).toHaveLength(2)
  })

  it('is lost once its time has passed, and a caller who waits for it asks again', async () => {
    const { calls, answerWith, key, verifier, token } = await startVerifier(
      { timeoutMs: 2000 },
      FOREVER,
    )
    answerWith(() => (calls.length === 1 ? undefined : { json: { keys: [key.jwk] } }))
    const [first, second] = [outcomeOf(verifier, token), outcomeOf(verifier, token)]
    pass(2000)
    expect([await second, await first]).toEqual(['allow', 'allow'])
    expect(calls).toHaveLength(2)
  })

  it('is good enough if it ends before the one that followed it', async () => {
    const { key, calls, answerWith, verifier, token } = await startVerifier({ timeoutMs: 6000 })
    let answer: (() => void) | undefined
    answerWith((_call, response) => {
      answer ??= () => response.end(JSON.stringify({ keys: [key.jwk] }))
      return undefined
    })
    const all = Promise.all([outcomeOf(verifier, token), outcomeOf(verifier, token)])
    await vi.waitFor(() => expect(calls).toHaveLength(2), 5000)
    answer?.()
    const late = new Promise((resolve) => setTimeout(resolve, 4000, 'late'))
    expect(await Promise.race([all, late])).toEqual(['allow', 'allow'])
  }, 15_000)

  it('counts as one failure with the one that followed it', async () => {
    const { calls, answerWith, verifier, token } = await startVerifier({ timeoutMs: 500 })
    answerWith(() => undefined)
    const all = Array.from({ length: 3 }, () => outcomeOf(verifier, token))
    expect(await Promise.all(all)).toEqual(['timeout', 'timeout', 'timeout'])
    expect(calls).toHaveLength(2)
    pass(1000)
    await outcomeOf(verifier, token)
    expect(calls).toHaveLength(3)
  })

  it('never replaces what a later one has brought', async () => {
    const { key, next, calls, answerWith, verifier } = await startVerifier({ timeoutMs: 2000 })
    let answerLate: (() => void) | undefined
    answerWith((_call, response) => {
      if (calls.length > 1) return { json: { keys: [next.jwk] } }
      answerLate = () => response.end(JSON.stringify({ keys: [key.jwk] }))
      return undefined
    })
    const token = await sign(next)
    const [first, second] = [outcomeOf(verifier, token), outcomeOf(verifier, token)]
    expect(await second).toBe('allow')
    answerLate?.()
    await first
    expect(await outcomeOf(verifier, token)).toBe('allow')
    expect(calls).toHaveLength(2)
  })
})
