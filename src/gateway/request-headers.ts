import { foldName } from '../core/config/option-checks.ts'
import { isRemovedFromRequest, namesInConnection, valueOf } from './field-names.ts'
import { GATEWAY_HEADERS } from '../verifiers/upstream/signature.ts'
import type { Entry, SecretSource } from '../core/response/admission.ts'
import type { Field } from './field-names.ts'
import type { IdentityHeaderNames } from './identity-headers.ts'

/**
 * Copies the client's headers that the upstream may see. All names are in lower case. The request id replaces the client's header
 * of that name, in every spelling, and `Connection` cannot remove it. A removed header cannot carry it.
 */
type CopyHeaders = (
  fields: Iterable<Field>,
  credentials: readonly SecretSource[],
  requestId?: Field,
) => Map<string, string>

/** Where an admitted request may hold a secret, by all its guards. */
export function secretSourcesOf({ guards }: Entry): readonly SecretSource[] {
  const [only] = guards.all
  // The list of one guard is the same for every request, so what is made of it is made once.
  if (guards.all.length === 1 && only !== undefined) return only.secretSources
  return [...new Set(guards.all.flatMap(({ secretSources }) => secretSources))]
}

/** Which headers of a client are removed, besides those of `field-names.ts`. */
interface CopyOptions {
  readonly identityHeaders: IdentityHeaderNames
  readonly forwardAuthorization: boolean
  readonly stripHeaders: readonly string[]
}

/**
 * Returns a function that copies headers. It compares folded names: no spelling of an identity header gets through. It removes
 * the default identity headers and a signature even when others are configured, since the upstream may still read them.
 */
export function createCopyHeaders({
  identityHeaders,
  forwardAuthorization,
  stripHeaders,
}: CopyOptions): CopyHeaders {
  const identity = [...Object.values(GATEWAY_HEADERS), ...Object.values(identityHeaders)]
  const names = identity.filter((name) => name !== undefined).map(foldName)
  const removed = new Set([...names, ...stripHeaders])
  const prefixes = stripHeaders.filter(isPrefix).map((name) => name.slice(0, -1))
  if (!forwardAuthorization) removed.add('authorization')
  const fold = createFold(
    (folded) =>
      isRemovedFromRequest(folded) ||
      removed.has(folded) ||
      prefixes.some((prefix) => folded.startsWith(prefix)),
  )
  const secretsOf = createSecretsSource(forwardAuthorization)
  return (fields, credentials, requestId) => {
    const named = namesInConnection(valueOf(fields, 'connection'))
    const secrets = secretsOf(credentials)
    const idName = requestId === undefined ? '' : fold(requestId[0])
    const copy = new Map<string, string>()
    for (const [name, value] of fields) {
      const folded = fold(name)
      if (folded === '' || folded === idName || secrets.names.has(folded)) continue
      if (secrets.isOtherSpelling(name, folded) || named.has(name)) continue
      const before = copy.get(name)
      copy.set(name, before === undefined ? value : joinLines(name, before, value))
    }
    if (requestId !== undefined && idName !== '' && !secrets.names.has(idName)) {
      copy.set(requestId[0].toLowerCase(), requestId[1])
    }
    secrets.removeItems(copy)
    return copy
  }
}

// RFC 9110 §5.3, and RFC 6265 §5.4: cookies are joined by a semicolon.
function joinLines(name: string, before: string, value: string): string {
  return `${before}${name === 'cookie' ? '; ' : ', '}${value}`
}

function isPrefix(name: string): boolean {
  return name.endsWith('*')
}

/** Where the headers of a request hold secrets that the upstream must not see. */
interface Secrets {
  /** The folded names of headers that are removed as a whole. */
  readonly names: ReadonlySet<string>
  /** Whether a header is another spelling of one of which only items are removed. */
  readonly isOtherSpelling: (name: string, folded: string) => boolean
  /** Removes the cookies and the protocols that hold a secret, and keeps the others. */
  readonly removeItems: (headers: Map<string, string>) => void
}

const PROTOCOLS = 'sec-websocket-protocol'

// More names than clients send. A hostile one sends others each time.
const MOST_NAMES = 1_000
const LONGEST_NAME = 64

/** Returns a function that folds a name, or returns `''` for one that is removed. It remembers the names that clients send. */
function createFold(isRemoved: (folded: string) => boolean): (name: string) => string {
  const known = new Map<string, string>()
  return (name) => {
    const before = known.get(name)
    if (before !== undefined) return before
    const folded = foldName(name)
    const kept = isRemoved(folded) ? '' : folded
    if (known.size >= MOST_NAMES) known.clear()
    if (name.length <= LONGEST_NAME) known.set(name, kept)
    return kept
  }
}

/** The secrets of the guards that a request came through, which are the same for every request of a wrapper. */
function createSecretsSource(
  forwardAuthorization: boolean,
): (credentials: readonly SecretSource[]) => Secrets {
  const known = new WeakMap<readonly SecretSource[], Secrets>()
  return (credentials) => {
    const before = known.get(credentials)
    if (before !== undefined) return before
    const secrets = createSecrets(credentials, forwardAuthorization)
    known.set(credentials, secrets)
    return secrets
  }
}

/** Finds the secrets. With `forwardAuthorization` only those for the verifier alone. */
function createSecrets(
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
  headers: Map<string, string>,
  name: string,
  separator: ',' | ';',
  isKept: (item: string) => boolean,
): void {
  const items = headers.get(name)?.split(separator) ?? []
  const kept = items.map((item) => item.trim()).filter(isKept)
  headers.delete(name)
  if (kept.length > 0) headers.set(name, kept.join(`${separator} `))
}
