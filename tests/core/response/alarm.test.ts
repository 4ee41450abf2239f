import { expect, it } from 'vitest'
import { createAlarm } from '../../../src/core/response/alarm.ts'
import { checkOf } from '../../support/checks.ts'
import type { Failure } from '../../../src/core/response/alarm.ts'
import type { DenialReason } from '../../../src/index.ts'

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
  const lines: string[] = []
  const alarm = createAlarm(endpoint, (line) => lines.push(line))
  alarm(reason, failure, Object.assign(checkOf(), { attempts }))
  return lines.join('\n')
}

it.each<[DenialReason, Failure, string]>([
  [
    'unreachable',
    {},
    'is unreachable: requests are rejected. Is it running, and is its URL right?',
  ],
  [
    'unreachable',
    { cause: 'ECONNREFUSED' },
    'is unreachable (ECONNREFUSED): requests are rejected. Is it running?',
  ],
  [
    'unreachable',
    { error: new TypeError('sk-secret') },
    'is unreachable (TypeError): requests are rejected. Is it running, and is its URL right?',
  ],
  [
    'unreachable',
    { cause: 'ECONNREFUSED', error: new TypeError('sk-secret') },
    'is unreachable (ECONNREFUSED): requests are rejected. Is it running?',
  ],
  ['timeout', {}, 'gives no verdict within "timeoutMs": requests are rejected. Is it overloaded?'],
  ['service_error', { status: 503 }, 'answers 503: requests are rejected. Look into its log'],
  [
    'service_error',
    { status: 'sk-secret' as unknown as number },
    'answers with an error: requests are rejected. Look into its log',
  ],
  ['service_error', {}, 'answers with an error: requests are rejected. Look into its log'],
  [
    'invalid_response',
    { status: 200 },
    'answered 200 without a principal in the first 64 KiB, which "identity" requires: the request was rejected. Let it name one, or leave "identity" out',
  ],
  ['circuit_open', {}, 'failed too often and is not asked for a while: requests are rejected'],
])('says what %s comes of, and the origin of the endpoint alone (%#)', (reason, failure, line) => {
  expect(lineOf(reason, failure)).toBe(`${AUTH_ENDPOINT} ${line}`)
  expect(lineOf(reason, failure, WITH_VERIFIER)).toBe(`the service behind "verifier" ${line}`)
})

it.each([
  ['ENOTFOUND', 'Is its name right?'],
  ['EAI_AGAIN', 'Is its name right?'],
  ['CERT_HAS_EXPIRED', 'Is its certificate trusted?'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'Is its certificate trusted?'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Is its certificate trusted?'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'Is its certificate trusted?'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'Does it speak TLS?'],
  ['EPROTO', 'Does it speak TLS?'],
  [
    'CERT_UNREADABLE',
    'Let "ca", "cert" and "key" of nodeTransport return PEM, and a "key" that belongs to "cert"',
  ],
  [
    'UND_ERR_CLOSED',
    'The program has closed its nodeTransport() or "dispatcher": let it do that last',
  ],
  [
    'UND_ERR_DESTROYED',
    'The program has closed its nodeTransport() or "dispatcher": let it do that last',
  ],
  ['REDIRECTED', 'Let "dispatcher" follow no redirect'],
  ['ECONNRESET', 'Is it running, and is its URL right?'],
  ['NAME_ENOTFOUND', 'Is it running, and is its URL right?'],
  ['UND_ERR_CLOSED_X', 'Is it running, and is its URL right?'],
  ['X_UND_ERR_CLOSED', 'Is it running, and is its URL right?'],
  ['REDIRECTED_X', 'Is it running, and is its URL right?'],
  ['X_REDIRECTED', 'Is it running, and is its URL right?'],
  ['ECONNREFUSED_X', 'Is it running, and is its URL right?'],
  ['X_ECONNREFUSED', 'Is it running, and is its URL right?'],
  ['CERT_UNREADABLE_X', 'Is its certificate trusted?'],
  ['X_CERT_UNREADABLE', 'Is its certificate trusted?'],
])('advises what fits the cause %s', (cause, advice) => {
  expect(lineOf('unreachable', { cause }).split('rejected. ')[1]).toBe(advice)
})

it('names the hook that failed, and the class of its error alone', () => {
  const failure = { error: new RangeError('sk-secret') }
  const rest = 'failed with RangeError: requests are rejected. Set "onEvent" to see the error'
  expect(lineOf('internal_error', failure)).toBe(`"fetch" ${rest}`)
  expect(lineOf('internal_error', failure, WITH_VERIFIER)).toBe(`"verifier" ${rest}`)
  expect(lineOf('internal_error', failure, { attempts: 0 })).toBe(`a check ${rest}`)
  const lines: string[] = []
  createAlarm(ENDPOINT, (line) => lines.push(line))('internal_error', failure, undefined)
  expect(lines).toEqual([`a check ${rest}`])
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
