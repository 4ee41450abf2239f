import { describe, expect, it } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import {
  ask,
  detailOf,
  goodClaims,
  ISSUER,
  keyOf,
  sign,
  startIssuer,
  startVerifier,
} from '../support/issuer.ts'
import { usePassingTime } from '../support/passing-time.ts'

const MINUTE = 60_000
const pass = usePassingTime()

describe('the keys', () => {
  it('are fetched once for many requests at once, and then kept', async () => {
    const { calls, verifier, token } = await startVerifier()
    const all = Array.from({ length: 100 }, () => detailOf(verifier, token))
    expect(new Set(await Promise.all(all))).toEqual(new Set(['allow']))
    expect(await detailOf(verifier, token)).toBe('allow')
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({ method: 'GET', url: '/jwks' })
    expect(calls[0]?.headers).toMatchObject({
      accept: 'application/jwk-set+json, application/json',
    })
  })

  it('are not fetched before the first request, nor for a token that is bad by itself', async () => {
    const { calls, key, verifier } = await startVerifier()
    expect(await detailOf(verifier, await sign(key, goodClaims(), { kid: 1 }))).toBe('malformed')
    expect(await detailOf(verifier, await sign(key, goodClaims(), { alg: 'none' }))).toBe(
      'algorithm',
    )
    expect(await detailOf(verifier, await sign(key, goodClaims(), { typ: 'x' }))).toBe('type')
    expect(calls).toEqual([])
  })

  it('are asked for with the headers of the config', async () => {
    const { calls, key, verifier } = await startVerifier({
      jwksHeaders: { Authorization: 'Bearer own' },
    })
    expect(await detailOf(verifier, await sign(key))).toBe('allow')
    expect(calls[0]?.headers.authorization).toBe('Bearer own')
  })

  it('are fetched again from 80 % of their age on, while requests go on', async () => {
    const { calls, answerWith, verifier, token } = await startVerifier({}, { exp: 4e9 })
    await ask(verifier, token)
    pass(8 * MINUTE - 1)
    await ask(verifier, token)
    expect(calls).toHaveLength(1)
    pass(1)
    const works: Promise<unknown>[] = []
    // It never answers, and no request waits for it.
    answerWith(() => undefined)
    const run = { waitUntil: (work: Promise<unknown>) => void works.push(work) }
    expect(await ask(verifier, token, run)).toMatchObject({ outcome: 'allow' })
    await expect.poll(() => calls.length).toBe(2)
    await ask(verifier, token, run)
    expect(works).toHaveLength(1)
  })

  it('are fetched again when they are old, and a key that is gone is not trusted any more', async () => {
    const { key: old, next, calls, publish, verifier, token } = await startVerifier()
    await ask(verifier, token)
    publish(next)
    pass(10 * MINUTE)
    expect(await detailOf(verifier, await sign(old))).toBe('unknown_key')
    expect(await detailOf(verifier, await sign(next))).toBe('allow')
    expect(calls).toHaveLength(2)
  })

  it('are old by the time of day too, since the other clock stands still in a frozen machine', async () => {
    const { key: old, next, publish, verifier, token } = await startVerifier()
    await ask(verifier, token)
    publish(next)
    const frozen = performance.now()
    pass(10 * MINUTE)
    performance.now = () => frozen
    expect(await detailOf(verifier, await sign(old))).toBe('unknown_key')
  })

  it('may come from a function, which is called as a URL would be', async () => {
    const key = await keyOf('ES256', 'a')
    let calls = 0
    const keys = async (): Promise<object> => {
      calls += 1
      return { keys: [key.jwk] }
    }
    const verifier = jwt({ issuer: 'our own', audience: 'a', keys })
    const token = await sign(key, goodClaims({ iss: 'our own', aud: 'a' }))
    expect(await detailOf(verifier, token)).toBe('allow')
    expect(await detailOf(verifier, token)).toBe('allow')
    expect(calls).toBe(1)
    pass(10 * MINUTE)
    await detailOf(verifier, token)
    expect(calls).toBe(2)
  })

  it('that are given are never fetched, and a later change of them has no effect', async () => {
    const [key, other] = [await keyOf('ES256', 'a'), await keyOf('ES256', 'b')]
    const keys = { keys: [{ ...key.jwk }] }
    const verifier = jwt({ issuer: ISSUER, audience: 'a', keys })
    keys.keys[0] = { ...other.jwk }
    pass(100 * MINUTE)
    expect(await detailOf(verifier, await sign(key, goodClaims({ aud: 'a' })))).toBe('allow')
    expect(await detailOf(verifier, await sign(other, goodClaims({ aud: 'a' })))).toBe(
      'unknown_key',
    )
  })
})

describe('a rotation', () => {
  it('lets a new key work with its first token', async () => {
    const [old, next] = [await keyOf('RS256', 'a'), await keyOf('ES256', 'b')]
    const { options, calls, publish } = await startIssuer(old)
    const verifier = jwt(options)
    await ask(verifier, await sign(old))
    pass(MINUTE)
    publish(old, next)
    const tokens = await Promise.all([sign(next), sign(next), sign(old)])
    const details = await Promise.all(tokens.map((token) => detailOf(verifier, token)))
    expect(details).toEqual(['allow', 'allow', 'allow'])
    expect(calls).toHaveLength(2)
  })

  it('is seen by a token without a key id too', async () => {
    const [old, next] = [await keyOf('RS256', 'a'), await keyOf('ES256', 'b')]
    const { options, publish } = await startIssuer(old)
    const verifier = jwt(options)
    await ask(verifier, await sign(old))
    pass(MINUTE)
    publish(old, next)
    expect(await detailOf(verifier, await sign(next, goodClaims(), { kid: undefined }))).toBe(
      'allow',
    )
  })
})

describe('a flood', () => {
  it('of tokens without a key id that several keys fit causes no fetch', async () => {
    const keys = [await keyOf('ES256', 'a'), await keyOf('ES256', 'b')] as const
    const { options, calls } = await startIssuer(...keys)
    const verifier = jwt(options)
    const token = await sign(keys[0], goodClaims(), { kid: undefined })
    expect(await detailOf(verifier, token)).toBe('unknown_key')
    pass(MINUTE)
    expect(await detailOf(verifier, token)).toBe('unknown_key')
    expect(calls).toHaveLength(1)
  })
})
