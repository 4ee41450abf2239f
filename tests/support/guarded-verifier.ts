import { createAuthenticator } from '../../src/index.ts'
import { get } from './requests.ts'
import { TOKEN } from './token.ts'
import type { Auth, AuthConfig, AuthEvent, DecisionEvent, Verifier } from '../../src/index.ts'

/** The decision about one request, with the identity of an allow. */
export type Decided = DecisionEvent & { readonly auth?: Auth }

/** A guard with a verifier, and a function that sends a request through it. */
export const guardWith = (verifier: Verifier, config: AuthConfig = {}) =>
  guardOf({ verifier, ...config })

/** A guard with these options. */
export function guardOf(config: AuthConfig) {
  const events: AuthEvent[] = []
  const onEvent = (event: AuthEvent): void => void events.push(event)
  const authenticate = createAuthenticator({ retry: false, ...config, onEvent })
  return {
    events,
    warnings: (): string[] =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    ask: async (token = TOKEN, path = '/', headers?: Record<string, string>): Promise<Decided> => {
      const result = await authenticate(get(path, token, headers))
      const [event] = events.filter((one) => one.type === 'decision').slice(-1)
      if (event === undefined) throw new Error('Expected a decision')
      return { ...event, ...(result.ok && result.auth !== undefined ? { auth: result.auth } : {}) }
    },
  }
}
