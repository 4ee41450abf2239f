import { parse } from '../core/config/interpreter.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { RUNTIME_FETCH_ID } from '../core/runtime.ts'
import { readSecureContexts } from './secure-context.ts'
import type { Pem } from './secure-context.ts'
import type { ConnectionOptions, NodeDispatcher } from './undici.ts'

/** The options of `nodeTransport`. */
export interface NodeTransportOptions {
  /**
   * Certificates of the authorities that sign the endpoint's certificate, in PEM, or a function that returns them. The function
   * is called for each new connection, so that a new file needs no restart. It must be synchronous. If it throws or returns
   * something else, the calls that wait for the connection fail as `unreachable`.
   * @default those that Node trusts, `NODE_EXTRA_CA_CERTS` included
   */
  readonly ca?: Pem | readonly Pem[] | (() => Pem | readonly Pem[])
  /**
   * The client certificate with its chain, in PEM, or a function that returns it, as for `ca`. Needs `key`.
   */
  readonly cert?: Pem | (() => Pem)
  /** The unencrypted private key of `cert`, in PEM, or a function that returns it, as for `ca`. No error shows it. */
  readonly key?: Pem | (() => Pem)
  /**
   * The maximum number of connections to one endpoint, from 1 to 10,000. More calls wait.
   * @default one for each running call, at most `concurrency.maxInFlight`
   */
  readonly connections?: number
  /**
   * The time to open a connection, in milliseconds from 1 to 60,000, even if the calls that wait for it have ended.
   * @default 5000
   */
  readonly connectTimeoutMs?: number
  /** Your own `Agent`, `ProxyAgent` or `MockAgent` of undici, in place of all the other options. */
  readonly dispatcher?: NodeDispatcher
}

/** The given dispatcher, or the options for a new one. */
type DispatcherSource = { readonly given: NodeDispatcher } | ConnectionOptions

const PARENT = 'nodeTransport'
const OPTIONS = ['ca', 'cert', 'key', 'connections', 'connectTimeoutMs', 'dispatcher'] as const

const CONNECT_TIMEOUT = { kind: 'milliseconds', default: 5000, min: 1, max: 60_000 } as const
const CONNECTIONS = { kind: 'integer', min: 1, max: 10_000 } as const

/** Parses the options, and reads certificates and key. Throws an `AuthConfigError` that does not show a key. */
export function resolveTransportOptions(value: unknown): DispatcherSource {
  // A key passed in place of the options must not reach a log.
  if (!isOptionsObject(value)) throw invalidSecret([PARENT], 'called with an object of options')
  const { dispatcher, connections, connectTimeoutMs, ...tls } = readOptions(value, OPTIONS, [
    PARENT,
  ])
  if (dispatcher !== undefined) {
    const other = Object.keys(value).find((name) => name !== 'dispatcher')
    if (other === undefined) return { given: checkDispatcher(dispatcher) }
    const expected = `left out beside \`${PARENT}.dispatcher\`, which decides it`
    throw misusedOption([PARENT, other], expected)
  }
  const secureContexts = readSecureContexts(tls)
  return {
    connectTimeoutMs: parse<number>(CONNECT_TIMEOUT, connectTimeoutMs, [
      PARENT,
      'connectTimeoutMs',
    ]),
    ...(connections === undefined
      ? {}
      : {
          connections: parse<number>({ ...CONNECTIONS, isRequired: true }, connections, [
            PARENT,
            'connections',
          ]),
        }),
    ...(secureContexts === undefined ? {} : { secureContexts }),
  }
}

/** Equal for transports that trust the same authorities, as the same client. `undefined` if functions decide that. */
export function transportId({
  ca,
  cert,
  key,
}: Omit<NodeTransportOptions, 'dispatcher'>): string | undefined {
  const tls = [ca, cert, key]
  if (tls.some((one) => typeof one === 'function')) return undefined
  if (tls.every((one) => one === undefined)) return RUNTIME_FETCH_ID
  const { createHash } = process.getBuiltinModule('node:crypto')
  const texts = JSON.stringify(tls.map((one) => [one].flat().map(String)))
  return `tls ${createHash('sha256').update(texts).digest('hex')}`
}

function checkDispatcher(value: unknown): NodeDispatcher {
  if (isDispatcher(value)) return value
  throw invalidOption([PARENT, 'dispatcher'], value, 'a dispatcher of undici')
}

function isDispatcher(value: unknown): value is NodeDispatcher {
  return typeof Reflect.get(Object(value), 'dispatch') === 'function'
}
