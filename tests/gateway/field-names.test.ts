import { describe, expect, it } from 'vitest'
import {
  endsAtGateway,
  foldName,
  isForGateway,
  namesInConnection,
} from '../../src/gateway/field-names.ts'

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
    const ending = [
      'connection',
      'te',
      'transfer-encoding',
      'content-length',
      'host',
      'via',
      'forwarded',
      'x-forwarded-prefix',
      'x-real-ip',
      'x-rewrite-url',
      'x-http-method-override',
      'proxy',
    ]
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
    const ending = [
      'connection',
      'keep-alive',
      'transfer-encoding',
      'upgrade',
      'trailer',
      'alt-svc',
    ]
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
