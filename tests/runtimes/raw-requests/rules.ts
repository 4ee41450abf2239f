import { findUnadmitted } from './admission.ts'
import type { HandlerCall } from './admission.ts'
import type { Question } from './endpoint.ts'
import type { RawResponse } from '../../support/raw-client.ts'
import type { Trace } from './guarded-server.ts'
import type { Program, Variant } from './row.ts'

const CHALLENGES: ReadonlySet<string> = new Set([
  'Bearer realm="api"',
  'Bearer realm="api", error="invalid_token"',
])

/**
 * Checks the rules for every request on every server. Neither a row nor the table of differences can change them.
 * Returns the broken rules.
 *
 * @param earlier Earlier calls to the endpoint, for a program with a cache.
 */
export function findViolations(
  program: Program,
  { bytes }: Variant,
  { response, calls, questions }: Trace,
  earlier: readonly Question[],
): string[] {
  const known = program === 'cached' ? [...earlier, ...questions] : questions
  const unadmitted = findUnadmitted(program, calls, known)
  return [
    ...unadmitted.map((call) => `the handler was called without an allow: ${JSON.stringify(call)}`),
    ...(calls.length > 1 ? ['the handler was called twice'] : []),
    ...(questions.length > 1 ? ['the endpoint was asked twice'] : []),
    ...questions.flatMap((question) => checkQuestion(question, bytes)),
    ...calls.flatMap(checkCall),
    ...(response === undefined ? [] : checkResponse(response)),
  ]
}

function checkQuestion({ token }: Question, bytes: Buffer): string[] {
  return bytes.includes(token) ? [] : [`asked about a token that was not sent: ${token}`]
}

function checkCall({ inherited }: HandlerCall): string[] {
  return inherited.length === 0 ? [] : [`every object has got ${inherited.join(', ')}`]
}

// Only rejections of this package must forbid storing. The server's own may not.
function checkResponse({ status, headers, body }: RawResponse): string[] {
  const expected = status === 401 ? 1 : 0
  const challenges = headers.get('www-authenticate') ?? []
  const isOurs = body.includes('"error":{"message":')
  return [
    ...(challenges.length === expected ? [] : [`${challenges.length} challenges for ${status}`]),
    ...challenges.filter((value) => !CHALLENGES.has(value)),
    ...(isOurs && headers.get('cache-control')?.join() !== 'no-store' ? ['may be stored'] : []),
  ]
}
