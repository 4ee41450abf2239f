import {
  checkInteger,
  checkMilliseconds,
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { readSecureContexts } from './secure-context.ts'
import type { Pem } from './secure-context.ts'
import type { ConnectionOptions, NodeDispatcher } from './undici.ts'

/** What `nodeTransport` is configured with. */
export interface NodeTransportOptions {
  /**
   * The certificates of the authorities that may have signed the endpoint's, in PEM; or a function that returns them. Such a
   * function is called for each new connection, so that a new file needs no restart. It must return at once; the calls that
   * wait for the connection fail as `unreachable` if it throws or returns no PEM.
   * @default those that Node trusts, `NODE_EXTRA_CA_CERTS` included
   */
  readonly ca?: Pem | readonly Pem[] | (() => Pem | readonly Pem[])
  /**
   * The certificate that is shown to the endpoint, in PEM, with those that lead to its authority; or a function that
   * returns it, as for `ca`. Needs `key`.
   */
  readonly cert?: Pem | (() => Pem)
  /** The private key of `cert`, in PEM, not encrypted; or a function that returns it, as for `ca`. Never shown. */
  readonly key?: Pem | (() => Pem)
  /**
   * The most connections to one endpoint; calls beyond that wait. 1 to 10,000.
   * @default as many as there are calls, which `concurrency.maxInFlight` bounds
   */
  readonly connections?: number
  /**
   * How long making a connection may take, whoever still waits for it. 1 to 60,000 milliseconds.
   * @default 5000
   */
  readonly connectTimeoutMs?: number
  /** An `Agent`, a `ProxyAgent` or a `MockAgent` of your own, in place of all of these. */
  readonly dispatcher?: NodeDispatcher
}

/** What makes the requests: what was given, or what is to be opened with these options. */
export type DispatcherSource = { readonly given: NodeDispatcher } | ConnectionOptions

const PARENT = 'nodeTransport'
const OPTIONS = ['ca', 'cert', 'key', 'connections', 'connectTimeoutMs', 'dispatcher'] as const

/** Checks the options, and reads certificates and key. Throws `AuthConfigError`, which never shows a key. */
export function resolveTransportOptions(value: unknown): DispatcherSource {
  // Whoever gives a key in place of the options must not see it in a log.
  if (!isOptionsObject(value)) throw invalidSecret(PARENT, 'called with an object of options')
  const {
    dispatcher,
    connections,
    connectTimeoutMs = 5000,
    ...tls
  } = readOptions(value, OPTIONS, PARENT)
  if (dispatcher !== undefined) {
    const other = Object.keys(value).find((name) => name !== 'dispatcher')
    if (other === undefined) return { given: checkDispatcher(dispatcher) }
    const expected = `left out beside \`${nameOf('dispatcher')}\`, which decides it`
    throw misusedOption(nameOf(other), expected)
  }
  const secureContexts = readSecureContexts(tls, nameOf)
  return {
    connectTimeoutMs: checkMilliseconds(nameOf('connectTimeoutMs'), connectTimeoutMs, 1, 60_000),
    ...(connections === undefined
      ? {}
      : { connections: checkInteger(nameOf('connections'), connections, 1, 10_000) }),
    ...(secureContexts === undefined ? {} : { secureContexts }),
  }
}

function checkDispatcher(value: unknown): NodeDispatcher {
  if (isDispatcher(value)) return value
  throw invalidOption(nameOf('dispatcher'), value, 'a dispatcher of undici')
}

function isDispatcher(value: unknown): value is NodeDispatcher {
  return typeof Reflect.get(Object(value), 'dispatch') === 'function'
}

function nameOf(option: string): string {
  return `${PARENT}.${option}`
}
