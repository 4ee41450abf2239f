import type { Auth, DecisionEvent } from './types.ts'

type Writable<Event> = { -readonly [Name in keyof Event]: Event[Name] }

const LONGEST_METHOD = 32
const LONGEST_PRINCIPAL = 256

/**
 * Adds the method, the principal and the request id to a new event: spreading an object of them would add a third to a cache
 * hit with an observer. Leaves out a principal or request id that holds the token, since an endpoint or a client may send it
 * there. Never throws, since a decision must not depend on its event.
 */
export function addAuditFacts(
  event: Writable<DecisionEvent>,
  request: Request,
  requestIdHeader: string | false,
  auth: Auth | undefined,
  token: string | undefined,
): DecisionEvent {
  try {
    event.method = request.method.slice(0, LONGEST_METHOD)
    const principal = withoutToken(auth?.principal, token)
    if (principal !== undefined) event.principal = principal.slice(0, LONGEST_PRINCIPAL)
    const requestId = readRequestId(request, requestIdHeader, token)
    if (requestId !== undefined) event.requestId = requestId
  } catch {
    // A program may have replaced the getters of the Request.
  }
  return event
}

/** The request id that the client sent, or `undefined` if it is not 1 to 128 visible ASCII characters or holds the token. */
export function readRequestId(
  { headers }: Request,
  header: string | false,
  token: string | undefined,
): string | undefined {
  const value = header === false ? null : headers.get(header)
  if (value === null || !/^[\x21-\x7e]{1,128}$/.test(value)) return undefined
  return withoutToken(value, token)
}

function withoutToken(text: string | undefined, token: string | undefined): string | undefined {
  return token !== undefined && text?.includes(token) === true ? undefined : text
}
