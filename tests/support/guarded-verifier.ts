import { createGate } from '../../src/core/gate.ts'
import { get } from './requests.ts'
import { TOKEN } from './token.ts'
import type { Auth, AuthConfig, AuthEvent, DecisionEvent, Verifier } from '../../src/index.ts'

/** The decision about one request, with the identity of an allow. */
export type Decided = DecisionEvent & { readonly auth?: Auth }

/** A request, and the address of its client. */
export interface Sent {
  readonly token?: string | undefined
  readonly path?: string
  readonly headers?: Record<string, string> | undefined
  readonly from?: string
}

/** A guard with a verifier, and a function that sends a request through it. */
export const guardWith = (verifier: Verifier, config: AuthConfig = {}) =>
  guardOf({ verifier, ...config })

/** A guard with these options. It knows the address as the gateway does, whose file has no function for it. */
export function guardOf(config: AuthConfig) {
  const events: AuthEvent[] = []
  let address: string | undefined
  const onEvent = (event: AuthEvent): void => void events.push(event)
  const { decide } = createGate({ retry: false, ...config, onEvent }, () => address)
  /** The decision about a request, and the last event about one. */
  const decideOn = async (request: Request) => {
    const decision = await decide(request, [])
    const [event] = events.filter((one) => one.type === 'decision').slice(-1)
    if (event === undefined) throw new Error('Expected a decision')
    return { event, ...decision }
  }
  const send = async ({ token, path = '/v1/models', headers, from }: Sent): Promise<Decided> => {
    address = from
    const { event, ...decision } = await decideOn(get(path, token, headers))
    const auth = decision.admitted ? decision.auth : undefined
    return { ...event, ...(auth === undefined ? {} : { auth }) }
  }
  return {
    events,
    warnings: (): string[] =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    decide: decideOn,
    send,
    ask: (token = TOKEN, path = '/', headers?: Record<string, string>): Promise<Decided> =>
      send({ token, path, headers }),
  }
}
