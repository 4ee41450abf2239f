import { invalidOption, invalidSecret, misusedOption } from '../core/config/option-checks.ts'
import { dotted } from '../core/config/problems.ts'
import { ignore } from '../core/async.ts'
import type { SecureContext } from 'node:tls'
import type { OptionPath } from '../core/config/problems.ts'
import type { AuthConfigError } from '../core/errors.ts'

/** The content of a PEM file, not its name. */
export type Pem = string | Uint8Array

const CA = ['nodeTransport', 'ca']
const CERT = ['nodeTransport', 'cert']
const KEY = ['nodeTransport', 'key']

interface Identity {
  readonly cert: Buffer
  readonly key: Buffer
}

/** The options, each a value or a function that returns it. */
interface Given {
  readonly ca?: unknown
  readonly cert?: unknown
  readonly key?: unknown
}

/** A context, and the certificates and key in it. */
interface Made {
  readonly context: SecureContext
  readonly content: string
}

/** Returns the certificates and the key for a new connection. Throws an `AuthConfigError` that does not show them. */
export type SecureContextSource = () => SecureContext

/**
 * Reads and checks certificates and key. Returns `undefined` if none are given. It calls functions now and for each new
 * connection; while they return the same, the context stays the same. No error shows a certificate or a key.
 */
export function readSecureContexts(given: Given): SecureContextSource | undefined {
  const { ca, cert, key } = given
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  const make = (current: Given): Made => {
    return { context: createContext(current), content: JSON.stringify(current) }
  }
  let last = make(readCurrent(given))
  return () => {
    const current = readCurrent(given)
    if (JSON.stringify(current) !== last.content) last = make(current)
    return last.context
  }
}

function readCurrent({ ca, cert, key }: Given): Given {
  return { ca: call(ca, CA), cert: call(cert, CERT), key: call(key, KEY) }
}

function call(value: unknown, option: OptionPath): unknown {
  if (typeof value !== 'function') return value
  const returned = tryCall(value as () => unknown)
  // A rejected promise must not end the process.
  ignore(returned)
  // Without `ca` the endpoint could have any certificate that Node trusts.
  if (returned !== undefined) return returned
  throw invalidSecret(option, 'a function that returns the content of a PEM file')
}

// Drops the error, which may show the key.
function tryCall(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

function createContext({ ca, cert, key }: Given): SecureContext {
  if (cert === undefined && key !== undefined) throw unpaired(CERT, KEY)
  if (key === undefined && cert !== undefined) throw unpaired(KEY, CERT)
  const identity = cert === undefined ? {} : readIdentity(cert, key)
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  return createSecureContext(ca === undefined ? identity : { ...identity, ca: readAuthorities(ca) })
}

function readAuthorities(value: unknown): Buffer[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  // With an empty list Node would trust no authority, or the usual ones. Neither was meant.
  if (list.length === 0) throw invalidOption(CA, value, 'left out or a list with a certificate')
  return list.map((one) => readCertificate(one, CA))
}

function readIdentity(cert: unknown, key: unknown): Identity {
  const identity = { cert: readCertificate(cert, CERT), key: readPem(key, KEY) }
  if (isPair(identity)) return identity
  throw invalidSecret(KEY, `the private key of "${dotted(CERT)}", not encrypted`)
}

// TLS accepts a key of another type than the certificate's, and then sends no certificate.
function isPair({ cert, key }: Identity): boolean {
  const { createPrivateKey, X509Certificate } = process.getBuiltinModule('node:crypto')
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function readCertificate(value: unknown, option: OptionPath): Buffer {
  const pem = readPem(value, option)
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  try {
    void new X509Certificate(pem)
    return pem
  } catch {
    throw invalidSecret(option, 'a certificate in PEM')
  }
}

// A path, which other libraries accept here, has no such line.
function readPem(value: unknown, option: OptionPath): Buffer {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const pem = Buffer.from(value)
    if (pem.includes('-----BEGIN ')) return pem
  }
  throw invalidSecret(option, 'the content of a PEM file')
}

function unpaired(missing: OptionPath, given: OptionPath): AuthConfigError {
  return misusedOption(missing, `given with \`${dotted(given)}\``)
}
