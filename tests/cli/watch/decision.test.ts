import { describe, expect, it } from 'vitest'
import { describeAnswer, describeRequest } from '../../../src/cli/watch/decision.ts'
import type { DecidedRequest } from '../../../src/cli/watch/decision.ts'
import type { KeyEndpointEvent } from '../../../src/keys.ts'

describe('a watched decision', () => {
  it.each<[Partial<DecidedRequest>, string | undefined]>([
    [{}, undefined],
    [{ reason: 'denied', detail: 'expired' }, 'the token has expired'],
    [{ reason: 'method_not_allowed' }, 'method_not_allowed'],
    [
      { reason: 'unreachable', cause: 'ECONNREFUSED' },
      'the auth endpoint cannot be reached (ECONNREFUSED)',
    ],
    [{ reason: 'forbidden', rule: 0 }, 'rule 0 forbids it'],
    [{ reason: 'denied', shadow: true }, 'shadow mode lets it through: the token is not valid'],
  ])('of the gateway with %j has the cause %j', (facts, cause) => {
    const request = { outcome: 'deny', status: 401, method: 'GET', path: '/v1' }
    const described = describeRequest({ ...request, ...facts })
    expect(described).toEqual({ type: 'decision', ...request, cause })
  })

  it.each<[Partial<KeyEndpointEvent>, string, string | undefined]>([
    [{ status: 200 }, 'allow', undefined],
    [{ status: 401, detail: 'expired' }, 'deny', 'the token has expired'],
    [{ cause: 'endpoint_secret' }, 'deny', 'the header x-auth-secret is missing or wrong'],
    [{ status: 500 }, 'deny', 'the keys cannot be read'],
  ])('of the auth endpoint with %j is %s, with the cause %j', (facts, outcome, cause) => {
    const event = { type: 'answer', status: 401, durationMs: 1, path: '/v1', ...facts } as const
    const { status, path } = event
    expect(describeAnswer(event)).toEqual({ type: 'decision', outcome, status, path, cause })
  })
})
