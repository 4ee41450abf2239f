import { createEndpoint } from '../../src/core/endpoint/endpoint.ts'
import { AuthUnavailableError } from '../../src/core/errors.ts'
import { attemptOf, checkOf } from './checks.ts'
import type { Attempt } from '../../src/core/endpoint/verdict.ts'
import type { EndpointOptions } from '../../src/core/endpoint/endpoint.ts'
import type { Transport } from '../../src/index.ts'

export const ADDRESS = 'https://auth.example.test/validate'

export function ask(
  transport: Transport,
  options: Partial<EndpointOptions> = {},
  made = checkOf(),
  attempt: Partial<Attempt> = {},
): unknown {
  const defaults = {
    url: ADDRESS,
    headers: {},
    identity: 'optional',
    tenantField: 'tenant',
    badTenant: 'dropped',
    fetch: transport,
    notify: () => undefined,
  } as const
  return createEndpoint({ ...defaults, ...options })(made, attemptOf(attempt))
}

/** A transport that answers with a status that `new Response` may not accept. */
export function answering(status: number, body: string | null = null, headers = {}): Transport {
  const response = new Response(body, { headers })
  return () => Promise.resolve({ status, headers: response.headers, body: response.body })
}

/** The reason why a check ended without a verdict. */
export function reasonOf(error: unknown): unknown {
  return error instanceof AuthUnavailableError ? error.reason : error
}

export const IDENTITY = '{"principal":"alice","attributes":{"roles":["a"]}}'
