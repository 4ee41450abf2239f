/**
 * Tests of handlers: a Request that counts as admitted, and an auth endpoint in memory. For tests alone.
 *
 * @module with-auth/testing
 */
import { isRecord } from './core/endpoint/claim-path.ts'
import { parseIdentity } from './core/endpoint/identity.ts'
import { createCredentialsReader } from './core/request/credentials.ts'
import { guardsOf, rememberAdmission } from './core/response/admission.ts'
import { Denials } from './core/response/denial.ts'
import type { Auth } from './core/types.ts'
import type { Transport } from './core/verifier.ts'

/** The caller of a test: the fields of `Auth`, all optional. */
export interface TestIdentity extends Partial<Omit<Auth, 'attributes'>> {
  /** A string counts as a list of one. */
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
}

/** The answer of an auth endpoint about a token: it has no `claims`, and is never stale. */
export type EndpointIdentity = Omit<TestIdentity, 'claims' | 'stale'>

/** The body of a call, as your auth endpoint would get it. */
export interface EndpointQuestion {
  /** The token, without the scheme. */
  readonly api_key: string
  /** The parts of the request that `context` selects. */
  readonly request: {
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly params: Readonly<Record<string, string | readonly string[]>>
    readonly method?: string
    readonly client_address?: string
  }
}

/** An auth endpoint in memory, made by {@link mockEndpoint}. */
export interface MockEndpoint {
  /** A value for the option `endpoint`. No server is there. */
  readonly url: string
  /** A value for the option `fetch`, or in place of the global one. */
  readonly fetch: Transport
  /** Answers for msw: `http.post(url, resolver)`. */
  readonly resolver: (call: { readonly request: Request }) => Promise<Response>
  /** All calls so far. Empty it with `questions.length = 0`. */
  readonly questions: EndpointQuestion[]
  /** Answers every call with this status. Without a status it goes by the token again. */
  readonly respondWith: (status?: number) => void
}

// RFC 6761 §6.4: no one can own a name below `test`.
const URL_OF_MOCK = 'https://auth.test/validate'

// It has no endpoint and no exceptions: it says who admitted the request, and how a route check rejects it.
const TEST_GUARD = guardsOf({
  config: { mode: 'enforce', resource: false, scopeImplies: undefined, requestIdHeader: false },
  denials: new Denials(),
  report: undefined,
  readCredentials: createCredentialsReader(['bearer']),
  secretSources: ['bearer'],
})

/**
 * Marks a Request as admitted, so that a handler that calls `getAuth` or `checkAccess` can be tested without its guard. Only
 * this very object is marked, and a guard that gets it still asks for a token.
 *
 * @param request The Request that the handler gets.
 * @param auth The caller. It is checked and copied. Without it the caller has no name.
 * @returns The same Request.
 * @throws TypeError if `request` is not a Request, or if a part of `auth` has the wrong type.
 *
 * @example
 * ```ts
 * import { getAuth } from 'with-auth'
 * import { authenticated } from 'with-auth/testing'
 *
 * const handler = (request: Request): Response => new Response(`Hello ${getAuth(request).principal}`)
 *
 * const request = authenticated(new Request('http://localhost/'), { principal: 'alice' })
 * console.log(await handler(request).text())
 * ```
 */
export function authenticated<Req extends Request>(request: Req, auth: TestIdentity = {}): Req {
  if (!isRecord(request) || !isRecord(request['headers'])) {
    throw new TypeError('authenticated: "request" must be a Request, such as new Request(url)')
  }
  const identity = parseCaller('authenticated: "auth"', auth)
  const caller: Auth =
    auth.stale === true ? Object.freeze({ __proto__: null, ...identity, stale: true }) : identity
  rememberAdmission(request, { admitted: true, auth: caller }, TEST_GUARD)
  return request
}

/**
 * Makes an auth endpoint in memory. It allows the tokens that it is given, and answers 401 for any other.
 *
 * @param tokens Each token with its caller. Without tokens every request is rejected.
 * @throws TypeError if a part of an identity has the wrong type.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { mockEndpoint } from 'with-auth/testing'
 *
 * const { url, fetch } = mockEndpoint({ 'test-key': { principal: 'alice' } })
 * const app = withAuth(() => new Response('hello'), { endpoint: url, fetch })
 *
 * const headers = { authorization: 'Bearer test-key' }
 * console.log((await app(new Request('http://localhost/', { headers }))).status)
 * ```
 */
export function mockEndpoint(
  tokens: Readonly<Record<string, EndpointIdentity>> = {},
): MockEndpoint {
  const bodies = new Map(
    Object.entries(tokens).map(([token, caller]) => [
      token,
      bodyOf(parseCaller('mockEndpoint: the caller of a token', caller)),
    ]),
  )
  const questions: EndpointQuestion[] = []
  let forced: number | undefined
  const answer = async (request: Request): Promise<Response> => {
    const question = await readQuestion(request)
    if (question === undefined) return new Response(null, { status: 400 })
    questions.push(question)
    if (forced !== undefined) return new Response(null, { status: forced })
    const body = bodies.get(question.api_key)
    return body === undefined ? new Response(null, { status: 401 }) : Response.json(body)
  }
  return {
    url: URL_OF_MOCK,
    fetch: (url, init) => answer(new Request(url, init)),
    resolver: ({ request }) => answer(request),
    questions,
    respondWith: (status) => {
      forced = status === undefined ? undefined : parseStatus(status)
    },
  }
}

function parseCaller(what: string, value: unknown): Auth {
  if (!isRecord(value)) {
    throw new TypeError(`${what} must be an object, such as { principal: 'alice' }`)
  }
  return parseIdentity(value, ({ field, name, expected }) => {
    const place = name === undefined ? field : `${field}.${name}`
    throw new TypeError(`${what} is malformed: "${place}" must be ${expected}`)
  })
}

/** The JSON of a 200, in the fields of the endpoint's contract. */
function bodyOf({ principal, attributes, scopes, clientId, tenant, expiresAt }: Auth): object {
  return {
    principal,
    attributes,
    scope: scopes?.join(' '),
    client_id: clientId,
    tenant,
    exp: expiresAt === undefined ? undefined : expiresAt / 1000,
  }
}

async function readQuestion(request: Request): Promise<EndpointQuestion | undefined> {
  if (request.method !== 'POST') return undefined
  const json: unknown = await request.json().catch(() => undefined)
  return isQuestion(json) ? json : undefined
}

function isQuestion(json: unknown): json is EndpointQuestion {
  return isRecord(json) && typeof json['api_key'] === 'string' && isRecord(json['request'])
}

// A 200 for every token would make each test pass: name the tokens instead.
function parseStatus(status: number): number {
  if (Number.isInteger(status) && status > 200 && status < 600) return status
  throw new TypeError(
    'respondWith: "status" must be a whole number from 201 to 599. For a 200, name the token in mockEndpoint({ … })',
  )
}
