import { createGate } from '../../src/core/gate.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'

/** A request of a test, and its source. */
export interface Sent {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly from?: string
}

/** Guards with the config of a file, and tells what came out. */
export function guardOf(config: AuthConfig) {
  const events: AuthEvent[] = []
  let address: string | undefined
  const onEvent = (event: AuthEvent): void => void events.push(event)
  // As the gateway knows the address, whose file has no function for it.
  const { decide } = createGate({ ...config, retry: false, onEvent }, () => address)
  return {
    events,
    warnings: (): string[] =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    send: async ({ token, headers = {}, from }: Sent) => {
      address = from
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const request = new Request('https://api.example.test/v1/models', {
        headers: { ...authorization, ...headers },
      })
      const result = await decide(request, [])
      const [decision] = events.filter((event) => event.type === 'decision').slice(-1)
      return {
        outcome: decision?.outcome,
        reason: decision?.reason,
        detail: decision?.detail,
        verifier: decision?.verifier,
        status: result.admitted ? 200 : result.response.status,
        auth: result.admitted ? result.auth : undefined,
      }
    },
  }
}
