import { describe, expect, it } from 'vitest'
import { shareVerdicts } from '../../../../src/core/policies/cache/share-verdicts.ts'
import { Check } from '../../../../src/core/request/check.ts'
import type { SharedAllow, SharedDecisions } from '../../../../src/core/decision-store.ts'
import type { ParsedVerdict } from '../../../../src/core/endpoint/verdict.ts'

const NOW = 1_700_000_000_000
const AUTH = { principal: 'alice', attributes: {} }
const ENDPOINT: ParsedVerdict = { outcome: 'deny', isLasting: true }

function askWith(allow: SharedAllow | undefined, verdict = ENDPOINT) {
  const shared: SharedAllow[] = []
  const decisions: SharedDecisions = {
    scope: undefined,
    recall: () =>
      Promise.resolve({
        ...(allow === undefined ? {} : { allow }),
        share: (made) => void shared.push(made),
      }),
  }
  const cache = { allowTtlMs: 30_000, maxEntries: 10, maxBytes: 2 ** 16 }
  const clock = { now: () => 0, wallNow: () => NOW }
  const verifier = shareVerdicts(() => verdict, decisions, { cache, scope: '', clock })
  const request = { path: '', headers: {}, params: {} }
  const check = new Check({ token: 't', request }, '', [])
  return { ask: async () => verifier(check, 5000), shared }
}

describe('a shared allow', () => {
  const fresh = { auth: AUTH, askedAt: NOW - 1000, ttlMs: 20_000 }

  it.each<[string, SharedAllow]>([
    ['is as old as its time to live', { ...fresh, askedAt: NOW - 20_000 }],
    ['is as old as this instance allows', { ...fresh, askedAt: NOW - 30_000, ttlMs: 60_000 }],
    ['comes from the future', { ...fresh, askedAt: NOW + 5000 }],
    ['is about a token that has ended', { ...fresh, endsAt: NOW }],
  ])('is not taken if it %s', async (_what, allow) => {
    expect(await askWith(allow).ask()).toBe(ENDPOINT)
  })

  it('keeps its age and its limits', async () => {
    const limits = { endsAt: NOW + 1, mustRevalidate: true } as const
    expect(await askWith({ ...fresh, ...limits }).ask()).toEqual({
      outcome: 'allow',
      auth: AUTH,
      maxAgeMs: 20_000,
      ageMs: 1000,
      ...limits,
    })
  })

  it('is made of what the endpoint allows, unless it forbids that', async () => {
    const limits = { endsAt: NOW + 1, mustRevalidate: true } as const
    const allowed = askWith(undefined, { outcome: 'allow', auth: AUTH, maxAgeMs: 9000, ...limits })
    await allowed.ask()
    expect(allowed.shared).toEqual([{ auth: AUTH, askedAt: NOW, ttlMs: 9000, ...limits }])
    const forbidden = askWith(undefined, { outcome: 'allow', auth: AUTH, maxAgeMs: 0 })
    await forbidden.ask()
    expect(forbidden.shared).toEqual([])
  })
})
