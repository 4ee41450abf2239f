import { ALLOW, allow, allowOfSize } from './answers.ts'
import {
  ALICE,
  NOBODY,
  bearer,
  handled,
  question,
  unavailable,
  withQuestion,
} from './expectations.ts'
import { TOKEN } from '../../support/token.ts'
import type { Expected, Scenario } from '../scenario.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

const PART = '{"principal":"alice"'
const KIB_64 = 65_536

interface Case {
  readonly name: string
  readonly answer: EndpointAnswer
  /** The identity with `identity: 'optional'`. */
  readonly auth: object
  /** The reason of the rejection with `identity: 'required'`, if there is one. */
  readonly reason?: 'invalid_response' | 'unreachable' | 'timeout'
}

const CASES: readonly Case[] = [
  { name: 'has a principal and attributes', answer: ALLOW, auth: ALICE },
  {
    name: 'has a principal without attributes',
    answer: allow('{"principal":"alice"}'),
    auth: { principal: 'alice', ...NOBODY },
  },
  {
    name: 'has null for attributes',
    answer: allow('{"principal":"alice","attributes":null}'),
    auth: { principal: 'alice', ...NOBODY },
  },
  { name: 'has the maximum length', answer: allowOfSize(KIB_64), auth: ALICE },
  {
    name: 'is longer than the maximum',
    answer: allowOfSize(KIB_64 + 1),
    auth: NOBODY,
    reason: 'invalid_response',
  },
  {
    name: 'is an HTML page, as of an SPA (ingress-nginx CVE-2026-24513)',
    answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html>' },
    auth: NOBODY,
    reason: 'invalid_response',
  },
  {
    name: 'has an empty principal',
    answer: allow('{"principal":"","attributes":{"roles":["admin"]}}'),
    auth: { attributes: { roles: ['admin'] } },
    reason: 'invalid_response',
  },
  {
    name: 'breaks off',
    answer: { ...allow(PART), then: 'reset' },
    auth: NOBODY,
    reason: 'unreachable',
  },
  {
    name: 'never ends',
    answer: { ...allow(PART), then: 'drip' },
    auth: NOBODY,
    reason: 'timeout',
  },
]

/** A 200 with any body, where an identity is optional and where it is required. */
export const IDENTITY: readonly Scenario[] = CASES.flatMap((made) => [
  create(made, 'optional', 'strict', handled(made.auth)),
  create(made, 'required', 'unavailable', whenRequired(made)),
])

function create(
  { name, answer, reason }: Case,
  identity: 'optional' | 'required',
  profile: 'strict' | 'unavailable',
  expected: Expected,
): Scenario {
  const verb = expected.handled ? 'allows' : 'rejects'
  return {
    name: `${verb} when an identity is ${identity} and the body ${name}`,
    profile: reason === 'timeout' ? `${profile}InHaste` : profile,
    request: { target: '/chats', headers: bearer(TOKEN) },
    endpoint: answer,
    expected: withQuestion(expected, question(TOKEN)),
  }
}

function whenRequired({ reason, auth }: Case): Expected {
  return reason === undefined ? handled(auth) : unavailable(reason)
}
