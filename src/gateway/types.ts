import type { GatewayFailureCode } from './refusal.ts'

/** What the gateway's `fetch` is called with: as the one of the runtime, streams included. */
export interface UpstreamRequest {
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly duplex: 'half'
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The parts of a Response that the gateway reads. */
export interface UpstreamResponse extends Pick<Response, 'status' | 'statusText' | 'headers'> {
  readonly body: ReadableStream<Uint8Array> | null
}

/** Sends one request to the upstream. It must not follow redirects. */
export type UpstreamFetch = (url: string, init: UpstreamRequest) => Promise<UpstreamResponse>

/** Says which address a request comes from; what servers know of it is in the extra arguments. */
export type ClientAddress<Args extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...args: Args
) => string | undefined

/** Why the gateway itself answered. */
export interface GatewayFailure {
  readonly code: GatewayFailureCode
  readonly status: number
  readonly method: string
  /** Without the query, and not more than 256 characters. */
  readonly path: string
  /** The name that the runtime has for what went wrong, such as `ECONNREFUSED`. Never a message. */
  readonly cause?: string
}
