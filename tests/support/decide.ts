import { HttpResponse } from 'msw'
import { createGate } from '../../src/core/gate.ts'
import { ENDPOINT } from './msw-endpoint.ts'
import type { AuthConfig, AuthEvent, DecisionEvent } from '../../src/index.ts'

export const allow = (): Response =>
  HttpResponse.json({ principal: 'alice', attributes: { roles: ['a'] } })

/** The decision about one request, and its one event. */
export async function decide(
  config: AuthConfig,
  request: Request,
): Promise<{ admitted: boolean; event: DecisionEvent; response?: Response }> {
  const events: AuthEvent[] = []
  const { decide: made } = createGate({
    ...('verifier' in config ? {} : { endpoint: ENDPOINT }),
    onEvent: (event) => events.push(event),
    ...config,
  })
  const decision = await made(request, [])
  const decisions = events.filter((event) => event.type === 'decision')
  const [event] = decisions
  if (event === undefined || decisions.length > 1)
    throw new Error('Expected one event for the decision')
  return { event, ...decision }
}
