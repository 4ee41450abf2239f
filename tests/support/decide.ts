import { HttpResponse } from 'msw'
import { expect } from 'vitest'
import { guardOf } from './guarded-verifier.ts'
import { ENDPOINT } from './msw-endpoint.ts'
import type { AuthConfig, DecisionEvent } from '../../src/index.ts'

export const allow = (): Response =>
  HttpResponse.json({ principal: 'alice', attributes: { roles: ['a'] } })

/** The decision about one request by the endpoint of msw or a verifier, and its one event. */
export async function decide(
  config: AuthConfig,
  request: Request,
): Promise<{ admitted: boolean; event: DecisionEvent; response?: Response }> {
  const guard = guardOf({ ...('verifier' in config ? {} : { endpoint: ENDPOINT }), ...config })
  const decision = await guard.decide(request)
  expect(guard.events.filter(({ type }) => type === 'decision')).toHaveLength(1)
  return decision
}
