import { createAsk } from '../../../src/core/endpoint/checked-verifier.ts'
import { createEndpoint } from '../../../src/core/endpoint/endpoint.ts'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { attemptOf, checkOf } from '../../support/checks.ts'
import type { Attempt } from '../../../src/core/endpoint/verdict.ts'
import type { EndpointOptions } from '../../../src/core/endpoint/endpoint.ts'
import type { Channel } from '../../../src/core/response/events.ts'
import type { Transport } from '../../../src/index.ts'

interface Asked extends EndpointOptions {
  readonly notify: Channel['notify']
}

export const ADDRESS = 'https://auth.example.test/validate'

export function ask(
  transport: Transport,
  { notify = () => undefined, ...options }: Partial<Asked> = {},
  made = checkOf(),
  attempt: Partial<Attempt> = {},
): unknown {
  const defaults = {
    url: ADDRESS,
    headers: {},
    identity: 'optional',
    fetch: transport,
  } as const
  const decide = createEndpoint({ ...defaults, ...options })
  const channel = { report: undefined, notify, writeLine: () => undefined }
  return createAsk(decide, 'optional', channel)(made, attemptOf(attempt))
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
