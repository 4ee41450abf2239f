import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readSecureContexts } from '../../src/node/secure-context.ts'
import { AuthConfigError } from '../../src/index.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'

// Connections with these certificates are tested in `tests/node/node-transport-tls.test.ts`.

const { cert, key } = SELF_SIGNED
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ANOTHER_KEY = privateKey.export({ type: 'pkcs8', format: 'pem' })
const ENCRYPTED = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'hunter2',
})
const NO_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'
const NO_PEM = 'the content of a PEM file'
const NO_PAIR = 'the private key of "nodeTransport.cert", not encrypted'

const NO_FUNCTION = 'a function that returns the content of a PEM file'

function fail(): never {
  throw new Error(`hunter2 ${key}`)
}

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

  it.each([
    [{ ca: '/etc/ssl/ca.pem' }, 'ca', NO_PEM],
    [{ ca: 5 }, 'ca', NO_PEM],
    [{ ca: NO_CERTIFICATE }, 'ca', 'a certificate in PEM'],
    [{ ca: key }, 'ca', 'a certificate in PEM'],
    [{ ca: [] }, 'ca', 'left out or a list with a certificate'],
    [{ ca: [cert, 'hunter2'] }, 'ca', NO_PEM],
    [{ cert }, 'key', 'must be given with "nodeTransport.cert"'],
    [{ key }, 'cert', 'must be given with "nodeTransport.key"'],
    [{ cert: key, key }, 'cert', 'a certificate in PEM'],
    [{ cert, key: 'hunter2' }, 'key', NO_PEM],
    [{ cert, key: cert }, 'key', NO_PAIR],
    [{ cert, key: ENCRYPTED }, 'key', NO_PAIR],
    [{ cert, key: ANOTHER_KEY }, 'key', NO_PAIR],
    [{ cert, key: () => ANOTHER_KEY }, 'key', NO_PAIR],
    [{ ca: () => undefined }, 'ca', NO_FUNCTION],
    [{ cert, key: fail }, 'key', NO_FUNCTION],
    [{ cert, key: async () => fail() }, 'key', NO_PEM],
  ])('rejects %o without showing it', (options, option, message) => {
    let error: unknown
    try {
      readSecureContexts(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error).toMatchObject({ option: `nodeTransport.${option}` })
    const shown = inspect(error, { depth: null, showHidden: true })
    expect(shown).toContain(message)
    for (const secret of ['hunter2', 'PRIVATE KEY', key.slice(60, 90)]) {
      expect(shown).not.toContain(secret)
    }
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
