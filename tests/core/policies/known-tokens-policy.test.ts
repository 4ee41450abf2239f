import { expect, it } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { KnownTokens, recognise } from '../../../src/core/policies/known-tokens.ts'
import { RecentOutage } from '../../../src/core/policies/outage.ts'
import { NOBODY } from '../../../src/core/endpoint/verdict.ts'
import { checkOf } from '../../support/checks.ts'
import type { Check } from '../../../src/core/request/check.ts'
import type { ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

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
