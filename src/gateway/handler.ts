import { discard, exchange, passOn, passSwitch, SWITCHING } from './exchange.ts'
import { createForward } from './forward.ts'
import { passageOf } from './passage.ts'
import { createOptionsAnswer, createRefusal, describeFailure, tellOwner } from './refusal.ts'
import { hideUpstream } from './upstream-url.ts'
import type { Forwarding, Outcome } from './exchange.ts'
import type { Incoming } from './incoming.ts'
import type { ResolvedGateway } from './options.ts'
import type { GatewayFailureCode } from './refusal.ts'

/** The connection of a client, for a request whose bodies pass from socket to socket, without streams of Fetch. */
export interface ClientConnection {
  readonly incoming: Incoming
  /** Sends the request with the body of the client, as `exchange` does. */
  readonly exchange: (forwarding: Forwarding, timeoutMs: number) => Promise<Outcome>
}

/**
 * Creates the handler of a gateway.
 *
 * @param connectionOf The connection behind a request, if its server sends the responses with `sendDirectly`. Not used with a `fetch`.
 */
export function createHandler(
  options: ResolvedGateway,
  connectionOf: (request: Request) => ClientConnection | undefined = () => undefined,
): (request: Request, ...args: readonly unknown[]) => Promise<Response> {
  const { timeoutMs, onFailure, sign, ...plan } = options
  const { upstreamFetch } = plan
  const forward = createForward(plan)
  const refuse = (request: Request, code: GatewayFailureCode, error?: unknown): Response => {
    tellOwner(onFailure, describeFailure(request, code, error))
    return createRefusal(code, request.method)
  }
  return async (request, ...args) => {
    const connection = upstreamFetch.sendsAnyBody ? connectionOf(request) : undefined
    const forwarding = forward(request, args, connection?.incoming)
    if (forwarding === 'final_recipient') return createOptionsAnswer(request)
    if (typeof forwarding === 'string') return refuse(request, forwarding)
    try {
      await sign?.(forwarding)
    } catch (error) {
      return refuse(request, 'identity_not_forwardable', error)
    }
    const offer = passageOf(request)?.offer
    const fetch = offer?.fetch ?? upstreamFetch.fetch
    const outcome =
      connection === undefined
        ? await exchange(fetch, forwarding, (offer ?? request).signal, timeoutMs)
        : await connection.exchange(forwarding, timeoutMs)
    if ('error' in outcome) return refuse(request, outcome.code, outcome.error)
    if ('code' in outcome) return refuse(request, outcome.code)
    const { response } = outcome
    try {
      if (offer !== undefined && response.status === SWITCHING) return passSwitch(response)
      const decodesSilently = offer === undefined && upstreamFetch.decodesSilently
      const passed = passOn(response, request.method, decodesSilently)
      const scheme = forwarding.init.headers.get('x-forwarded-proto') ?? null
      hideUpstream(passed.headers, plan.upstream, scheme)
      return passed
    } catch (error) {
      discard(response)
      return refuse(request, 'invalid_response', error)
    }
  }
}
