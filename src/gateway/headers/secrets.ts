import { foldName } from '../../core/config/option-checks.ts'
import type { SecretSource } from '../../core/response/admission.ts'

/** Where the headers of a request hold secrets that the upstream must not see. */
export interface Secrets {
  /** The folded names of headers that are removed as a whole. */
  readonly names: ReadonlySet<string>
  /** Whether a header is another spelling of one of which only items are removed. */
  readonly isOtherSpelling: (name: string, folded: string) => boolean
  /** Removes the cookies and the protocols that hold a secret, and keeps the others. */
  readonly removeItems: (headers: Headers) => void
}

const PROTOCOLS = 'sec-websocket-protocol'

/** Finds the secrets. With `forwardAuthorization` only those for the verifier alone. */
export function createSecrets(
  credentials: readonly SecretSource[],
  forwardAuthorization: boolean,
): Secrets {
  const sources = forwardAuthorization ? credentials.filter(isConsumed) : credentials
  const cookies = sources.flatMap((source) =>
    source !== 'bearer' && 'cookie' in source ? [source.cookie] : [],
  )
  const prefixes = sources.flatMap((source) =>
    source !== 'bearer' && 'webSocketProtocol' in source ? [source.webSocketProtocol] : [],
  )
  return {
    names: new Set(sources.flatMap(fieldOf)),
    // The guard reads no other spelling, but the upstream may.
    isOtherSpelling: (name, folded) =>
      prefixes.length > 0 && folded === PROTOCOLS && name !== PROTOCOLS,
    removeItems: (headers) => {
      if (cookies.length > 0) {
        keepItems(headers, 'cookie', ';', (pair) => !cookies.includes(nameOf(pair)))
      }
      // The upstream chooses one of the others (RFC 6455 §4.2.2).
      if (prefixes.length > 0) {
        keepItems(headers, PROTOCOLS, ',', (name) => !prefixes.some((one) => name.startsWith(one)))
      }
    },
  }
}

// The option is about tokens of clients, and not about the secrets of a proxy.
function isConsumed(source: SecretSource): boolean {
  return typeof source === 'object' && 'consumed' in source
}

function fieldOf(source: SecretSource): string[] {
  if (source === 'bearer') return []
  if ('consumed' in source) return [foldName(source.consumed)]
  return 'header' in source ? [foldName(source.header)] : []
}

function nameOf(pair: string): string {
  return pair.split('=')[0]?.trim() ?? ''
}

function keepItems(
  headers: Headers,
  name: string,
  separator: ',' | ';',
  isKept: (item: string) => boolean,
): void {
  const items = headers.get(name)?.split(separator) ?? []
  const kept = items.map((item) => item.trim()).filter(isKept)
  headers.delete(name)
  if (kept.length > 0) headers.set(name, kept.join(`${separator} `))
}
