import { expect, it } from 'vitest'
import { createSentence } from '../../../src/core/response/alarm.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import type { Failure as KnownFailure } from '../../../src/core/response/failure.ts'
import type { DenialReason } from '../../../src/index.ts'

type Failure = Omit<KnownFailure, 'reason'>

const ENDPOINT = 'https://auth.example.test:8443/sk-secret?key=sk-secret'
const WITH_VERIFIER = { endpoint: undefined }
const AUTH_ENDPOINT = 'the auth endpoint https://auth.example.test:8443'

interface Asked {
  readonly endpoint?: string | undefined
  readonly attempts?: number
}

/** The line for one failure, of a check that asked as often as said. */
function lineOf(reason: DenialReason, failure: Failure = {}, asked: Asked = {}): string {
  const { endpoint, attempts } = { endpoint: ENDPOINT, attempts: 1, ...asked }
  const sentenceOf = createSentence(endpoint)
  return sentenceOf({ reason, ...failure }, { ...createFacts(), attempts }) ?? ''
}

const REJECTED = 'requests are rejected'
const USUAL = 'Is it running, and is its URL right?'
const secret = new TypeError('sk-secret')
const odd = { status: 'sk-secret' as unknown as number }

it.each<[DenialReason, Failure, string]>([
  ['unreachable', {}, `is unreachable: ${REJECTED}. ${USUAL}`],
  ['unreachable', { error: secret }, `is unreachable (TypeError): ${REJECTED}. ${USUAL}`],
  ['unreachable', { cause: 'EPIPE' }, `is unreachable (EPIPE): ${REJECTED}. ${USUAL}`],
  [
    'unreachable',
    { cause: 'EPIPE', error: secret },
    `is unreachable (EPIPE): ${REJECTED}. ${USUAL}`,
  ],
  ['timeout', {}, `gives no verdict within "timeoutMs": ${REJECTED}. Is it overloaded?`],
  [
    'service_error',
    { status: 500, cause: 'ENDPOINT_SECRET' },
    `requires the header x-auth-secret: ${REJECTED}. Send its secret by "endpointHeaders"`,
  ],
  ['service_error', { status: 503 }, `answers 503: ${REJECTED}. Check its log`],
  ['service_error', odd, `answers with an error: ${REJECTED}. Check its log`],
  ['service_error', {}, `answers with an error: ${REJECTED}. Check its log`],
  ['circuit_open', {}, `failed too often and is not asked for a while: ${REJECTED}`],
])('says what %s comes of, and the origin of the endpoint alone (%#)', (reason, failure, line) => {
  expect(lineOf(reason, failure)).toBe(`${AUTH_ENDPOINT} ${line}`)
  expect(lineOf(reason, failure, WITH_VERIFIER)).toBe(`the service behind "verifier" ${line}`)
})

it('says of an invalid response what the endpoint lacks, or that the answer of a verifier cannot be used', () => {
  expect(lineOf('invalid_response', { status: 200 })).toBe(
    `${AUTH_ENDPOINT} answered 200 without a principal in the first 64 KiB, which "identity" requires: the request was rejected. Let it name one, or leave "identity" out`,
  )
  const unusable = 'gave an answer that cannot be used: the request was rejected'
  expect(lineOf('invalid_response', {}, WITH_VERIFIER)).toBe(
    `the service behind "verifier" ${unusable}`,
  )
  expect(lineOf('invalid_response', { isAuthorizing: true })).toBe(
    `the service behind "authorize" ${unusable}`,
  )
})

it('says what an error explains, with its code', () => {
  const explanation = 'the directory is closed'
  const line = 'requests are rejected: the directory is closed'
  expect(lineOf('service_error', { explanation })).toBe(line)
  expect(lineOf('unreachable', { explanation, cause: 'ENOENT' })).toBe(`${line} (ENOENT)`)
  expect(lineOf('overloaded', { explanation })).toBe('')
})

const NAME = 'Is its name right?'
const CERTIFICATE = 'Is its certificate trusted?'
const TLS = 'Does it speak TLS?'
const PEM =
  'Let "ca", "cert" and "key" of nodeTransport, or the file of "tls_cafile", hold PEM, and let "key" belong to "cert"'
const CLOSED = 'The program has closed its nodeTransport() or "dispatcher": let it do that last'

it.each([
  ['ECONNREFUSED', 'Is it running?'],
  ['BAD_PORT', '"fetch" blocks its port: serve it on another one, such as 8080'],
  ['ENOTFOUND', NAME],
  ['EAI_AGAIN', NAME],
  ['CERT_HAS_EXPIRED', CERTIFICATE],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', CERTIFICATE],
  ['ERR_TLS_CERT_ALTNAME_INVALID', CERTIFICATE],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', CERTIFICATE],
  ['ERR_SSL_WRONG_VERSION_NUMBER', TLS],
  ['EPROTO', TLS],
  ['CERT_UNREADABLE', PEM],
  ['UND_ERR_CLOSED', CLOSED],
  ['UND_ERR_DESTROYED', CLOSED],
  ['REDIRECTED', 'Let "dispatcher" follow no redirect'],
  ['NAME_ENOTFOUND', USUAL],
  ['UND_ERR_CLOSED_X', USUAL],
  ['X_UND_ERR_CLOSED', USUAL],
  ['REDIRECTED_X', USUAL],
  ['X_REDIRECTED', USUAL],
  ['ECONNREFUSED_X', USUAL],
  ['X_ECONNREFUSED', USUAL],
  ['CERT_UNREADABLE_X', CERTIFICATE],
  ['X_CERT_UNREADABLE', CERTIFICATE],
])('advises what fits the cause %s', (cause, advice) => {
  expect(lineOf('unreachable', { cause }).split('rejected. ')[1]).toBe(advice)
})

it('advises to permit the connection if Deno forbids it', () => {
  class NotCapable extends Error {}
  const line = lineOf('unreachable', { error: new NotCapable('sk-secret') })
  const advice = 'Permit the connection: on Deno, --allow-net'
  expect(line).toBe(`${AUTH_ENDPOINT} is unreachable (NotCapable): ${REJECTED}. ${advice}`)
  class NotCapableX extends Error {}
  expect(lineOf('unreachable', { error: new NotCapableX() })).toContain(USUAL)
  class XNotCapable extends Error {}
  expect(lineOf('unreachable', { error: new XNotCapable() })).toContain(USUAL)
})

it('names the hook that failed, and the class of its error alone', () => {
  const failure = { error: new RangeError('sk-secret') }
  const rest = 'RangeError: requests are rejected. To see the error, read event.error in "onEvent"'
  expect(lineOf('internal_error', failure)).toBe(`"fetch" threw ${rest}`)
  expect(lineOf('internal_error', failure, WITH_VERIFIER)).toBe(`"verifier" threw ${rest}`)
  expect(lineOf('internal_error', failure, { attempts: 0 })).toBe(`a check failed with ${rest}`)
  const unasked = createSentence(ENDPOINT)({ reason: 'internal_error', ...failure }, undefined)
  expect(unasked).toBe(`a check failed with ${rest}`)
})

it.each<DenialReason>([
  'missing_credentials',
  'malformed_credentials',
  'denied',
  'rate_limited',
  'overloaded',
  'malformed_request',
  'not_configured',
])('writes nothing of %s, for the endpoint did not fail, or it is told elsewhere', (reason) => {
  expect(lineOf(reason)).toBe('')
})
