import { describe, expect, it } from 'vitest'
import {
  endsAtGateway,
  foldName,
  isForGateway,
  namesInConnection,
} from '../../src/gateway/field-names.ts'

// RFC 9110 §7.6.1 and §11.7, RFC 9113 §3.1, and what was in use before them.
const OF_THE_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const OF_THE_CALL = ['accept-encoding', 'content-length', 'expect', 'host']
// By what proxies and content networks say who a client is; none of it is true when a client says it.
const OF_THE_CLIENT = [
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded-for',
  'x-forwarded-prefix',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
]
const OF_THE_TARGET = [
  'proxy',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
]

describe('a field name', () => {
  it.each([
    'X-Auth-Principal',
    'x_auth_principal',
    'X.Auth.Principal',
    'x_auth-principal',
    'x~auth|principal',
  ])(
    'A-I2 %s is one with its other spellings (CVE-2025-64484, CVE-2026-54763, CVE-2026-52845)',
    (name) => {
      expect(foldName(name)).toBe('x-auth-principal')
    },
  )

  it('R11 A-I5 A-I9 A-H19 of a client ends here if it is about the hop, the client, or the target', () => {
    const ending = [...OF_THE_HOP, ...OF_THE_CALL, ...OF_THE_CLIENT, ...OF_THE_TARGET]
    expect(ending.filter((name) => !endsAtGateway(name))).toEqual([])
    const passing = [
      'accept',
      'content-type',
      'cookie',
      'user-agent',
      'x-forwarder',
      'if-none-match',
      'origin',
    ]
    expect(passing.filter(endsAtGateway)).toEqual([])
  })

  it('R11 A-I13 of an upstream ends here if it is about the hop', () => {
    const ending = [...OF_THE_HOP, 'alt-svc']
    expect(ending.filter((name) => !isForGateway(name))).toEqual([])
    const passing = ['content-length', 'set-cookie', 'www-authenticate', 'location', 'via', 'date']
    expect(passing.filter(isForGateway)).toEqual([])
  })
})

it('R11 reads what Connection names', () => {
  const headers = new Headers({ connection: 'close, X-User ,, keep-Alive' })
  expect(namesInConnection(headers)).toEqual(new Set(['close', 'x-user', '', 'keep-alive']))
  expect(namesInConnection(new Headers())).toEqual(new Set())
})
