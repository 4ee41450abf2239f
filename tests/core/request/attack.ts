import { HttpResponse } from 'msw'
import { beforeEach, vi } from 'vitest'
import { withAuth } from '../../../src/index.ts'
import { ENDPOINT, setupEndpoint } from '../../support/msw-endpoint.ts'
import { raw } from '../../support/requests.ts'
import type { AuthConfig } from '../../../src/index.ts'
import type { Asked, MswEndpoint } from '../../support/msw-endpoint.ts'

export const GUARDED: AuthConfig = { endpoint: ENDPOINT, public: ['/healthz', '/public/*', '/'] }

export interface Outcome {
  readonly status: number
  readonly code: string | undefined
  /** The requests to the endpoint. */
  readonly asked: readonly Asked[]
  /** How many times the handler ran. */
  readonly handled: number
}

/** A request that never reached the endpoint or the handler. */
export const NEVER_ASKED = { status: 401, asked: [], handled: 0 } as const

/** An auth endpoint that allows every request, so that only the wrapper can reject an attack. */
export function setupAttack(): MswEndpoint & {
  readonly attack: (request: Request, config?: AuthConfig) => Promise<Outcome>
} {
  const endpoint = setupEndpoint()
  beforeEach(() => endpoint.answer(() => HttpResponse.json({})))
  const attack = async (request: Request, config = GUARDED): Promise<Outcome> => {
    const handler = vi.fn(() => new Response('secret'))
    const response = await withAuth(handler, config)(request)
    const body: unknown = response.status === 200 ? undefined : await response.json()
    const code = (body as { error: { code: string } } | undefined)?.error.code
    const handled = handler.mock.calls.length
    return { status: response.status, code, asked: endpoint.asked, handled }
  }
  return { ...endpoint, attack }
}

/** A request with this value of `Authorization`, as a server hands it over. */
export function withHeader(authorization: string, url = 'http://h/admin'): Request {
  return raw(url, { authorization })
}
