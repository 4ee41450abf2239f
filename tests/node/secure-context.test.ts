import { describe, expect, it } from 'vitest'
import { readSecureContexts } from '../../src/node/secure-context.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'

// Connections with these certificates are tested in `tests/node/node-transport-tls.test.ts`.

const { cert, key } = SELF_SIGNED
const NO_PAIR = 'the private key of "nodeTransport.cert", not encrypted'

describe('readSecureContexts', () => {
  it('uses the default of Node without options', () => {
    expect(readSecureContexts({})).toBeUndefined()
  })

  it.each([
    ['an authority', { ca: cert }],
    ['an authority in bytes', { ca: Buffer.from(cert) }],
    ['several authorities', { ca: [cert, new TextEncoder().encode(cert)] }],
    ['a certificate of its own', { cert, key: Buffer.from(key) }],
    ['functions', { ca: () => [cert], cert: () => Buffer.from(cert), key: () => key }],
  ])('accepts %s', (_what, options) => {
    expect(readSecureContexts(options)?.()).toHaveProperty('context')
  })

  it('creates a new context only when a function returns another value', () => {
    let current = { cert, key }
    const contexts = readSecureContexts({
      ca: () => [cert],
      cert: () => Buffer.from(current.cert),
      key: () => current.key,
    })
    const first = contexts?.()
    expect(contexts?.()).toBe(first)
    current = ROTATED
    const second = contexts?.()
    expect(second).not.toBe(first)
    expect(contexts?.()).toBe(second)
    current = { cert, key: ROTATED.key }
    expect(contexts).toThrow(NO_PAIR)
    expect(contexts).toThrow(NO_PAIR)
    current = { cert, key }
    expect(contexts?.()).toHaveProperty('context')
  })
})
