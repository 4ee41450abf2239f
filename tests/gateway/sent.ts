import { vi } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { withAuth } from '../../src/index.ts'
import type { GatewayOptions, UpstreamFetch, UpstreamRequest } from '../../src/gateway.ts'
import type { AuthConfig } from '../../src/index.ts'

/** A request as an upstream gets it. */
interface Sent {
  readonly url: string
  readonly init: UpstreamRequest
  readonly headers: Readonly<Record<string, string>>
}

/** A gateway that is guarded, and by default lets alice in with every token. */
export function guardedGateway(
  fetch: UpstreamFetch,
  options: Partial<GatewayOptions> = {},
  config: AuthConfig = {},
) {
  const gateway = createGateway({ upstream: 'http://127.0.0.1:8321/base', fetch, ...options })
  const attributes = { roles: ['admin'] }
  const verifier = () => ({ outcome: 'allow', principal: 'alice', attributes }) as const
  const guarded = withAuth(gateway, { verifier, onEvent: () => undefined, ...config })
  return async (request: Request, ...args: readonly unknown[]): Promise<Response> =>
    guarded(request, ...args)
}

/** Sends a request through a guarded gateway. Returns what the upstream got, or the code of the refusal. */
export async function sendOrRefuse(
  request: Request,
  options: Partial<GatewayOptions> = {},
  config: AuthConfig = {},
  ...args: readonly unknown[]
): Promise<Sent | string> {
  const fetch = vi.fn<UpstreamFetch>(async () => new Response(''))
  const response = await guardedGateway(fetch, options, config)(request, ...args)
  const [call] = fetch.mock.calls
  if (call === undefined) return codeOf(response)
  const [url, init] = call
  return { url, init, headers: Object.fromEntries(init.headers) }
}

/** Sends a request that is not refused. */
export async function send(...given: Parameters<typeof sendOrRefuse>): Promise<Sent> {
  const sent = await sendOrRefuse(...given)
  if (typeof sent === 'string') throw new Error(`The gateway refused the request: ${sent}`)
  return sent
}

/** The code of a response that the gateway made itself. */
export async function codeOf(response: Response): Promise<string> {
  if (response.body === null) return String(response.status)
  return ((await response.json()) as { error: { code: string } }).error.code
}
