import { followPassage } from '../../gateway/passage.ts'
import { includes, parseAddress } from '../../verifiers/upstream/address.ts'
import type { Passage } from '../../gateway/passage.ts'
import type { Address, Network } from '../../verifiers/upstream/address.ts'

export interface ClientAddresses {
  /** `undefined` if the address is unknown. */
  readonly addressOf: (request: Request) => string | undefined
  /** Whether `X-Forwarded-For` and `Forwarded` name different clients. The client may have forged one of them. */
  readonly isConflicting: (request: Request) => boolean
}

type Found = NonNullable<Passage['client']>

// After so many proxies, the last address counts as the client.
const MOST_HOPS = 100
const PORT = '(?::(?:\\d{1,5}|_[\\w.-]{1,64}))?'
const V4_NODE = new RegExp(`^([\\d.]{7,15})${PORT}$`)
// The first class excludes the colon, so matching is linear.
const V6_NODE = new RegExp(`^\\[([^\\]:]*:[^\\]]*)\\]${PORT}$`)

/**
 * Finds the client behind trusted proxies, once for each request. If the TCP peer is trusted, it reads `X-Forwarded-For` and
 * `Forwarded` (RFC 7239) from the right: the first untrusted address is the client. An entry without an address ends the walk,
 * because a client may have forged everything to its left. A `Forwarded` whose last element has no `for` counts as absent.
 */
export function createClientAddresses(trusted: readonly Network[]): ClientAddresses {
  const isTrusted = (address: Address): boolean =>
    trusted.some((network) => includes(network, address))
  const walk = (peer: Address, nodes: Iterable<string | null | undefined>): string => {
    let client = peer
    let hops = 0
    for (const node of nodes) {
      const next = isTrusted(client) && hops < MOST_HOPS ? parseNode(node ?? '') : undefined
      if (next === undefined) break
      client = next
      hops += 1
    }
    return client.text
  }
  const find = (request: Request): Found => {
    const peer = peerOf(request)
    if (peer === undefined) return { isConflicting: false }
    if (!isTrusted(peer)) return { address: peer.text, isConflicting: false }
    const { headers } = request
    const [address = peer.text, other = address] = [
      [headers.get('x-forwarded-for'), entriesOf] as const,
      [headers.get('forwarded'), forwardedFor] as const,
    ].flatMap(([value, read]) => {
      if (!value || read(value).next().value === null) return []
      return [walk(peer, read(value))]
    })
    // The headers disagree, but the peer is certain.
    if (address !== other) return { address: peer.text, isConflicting: true }
    return { address, isConflicting: false }
  }
  const findOnce = (request: Request): Found => (followPassage(request).client ??= find(request))
  return {
    addressOf: (request) => findOnce(request).address,
    isConflicting: (request) => findOnce(request).isConflicting,
  }
}

/** The address of the TCP peer, whatever the headers say. */
export function peerAddressOf(request: Request): string | undefined {
  return peerOf(request)?.text
}

/** srvx sets the TCP peer's address as `request.ip`. */
function peerOf(request: Request): Address | undefined {
  return 'ip' in request && typeof request.ip === 'string' ? parsePeer(request.ip) : undefined
}

const MOST_PEERS = 1_000
const peers = new Map<string, Address>()

/** Parses the address of a connection, and remembers it for the next request. */
function parsePeer(text: string): Address | undefined {
  const known = peers.get(text)
  if (known !== undefined) return known
  const peer = parseAddress(text)
  if (peers.size >= MOST_PEERS) peers.clear()
  if (peer !== undefined) peers.set(text, peer)
  return peer
}

function* entriesOf(list: string): Generator<string> {
  for (let end = list.length; end > 0;) {
    const comma = list.lastIndexOf(',', end - 1)
    yield list.slice(comma + 1, end).trim()
    end = comma
  }
}

function parseNode(node: string): Address | undefined {
  const [, address = node] = V4_NODE.exec(node) ?? V6_NODE.exec(node) ?? []
  return parseAddress(address)
}

/** RFC 7239 §4. In addition, allows colons and brackets in an unquoted value, because some proxies send them. */
const PAIR = /\s*([\w!#$%&'*+.^`|~-]+)=(?:([^\s";,\\]+)|"((?:[^"\\]|\\.)*)")\s*(;|$)/y

/** The `for` of each element of a `Forwarded` field, from the right: `null` if missing, `undefined` if malformed. */
function* forwardedFor(field: string): Generator<string | null | undefined> {
  for (let end = field.length; end > 0;) {
    const comma = findComma(field, end)
    yield readFor(field.slice(comma + 1, end))
    end = comma
  }
}

/**
 * Finds the comma before the last element, or -1. It scans from the right, so that a quotation mark which a client left open cannot
 * hide the element that the proxy added. An element with an unpaired one reaches to the start of the field, and is malformed.
 */
function findComma(field: string, end: number): number {
  for (let at = end - 1; at >= 0; at -= 1) {
    if (field[at] === ',') return at
    if (field[at] === '"') at = findOpening(field, at)
  }
  return -1
}

function findOpening(field: string, closing: number): number {
  for (let at = closing - 1; at >= 0; at -= 1) {
    if (field[at] !== '"') continue
    const escapes = countBackslashes(field, at)
    if (escapes % 2 === 0) return at
    at -= escapes
  }
  return -1
}

function countBackslashes(field: string, end: number): number {
  let count = 0
  while (field[end - 1 - count] === '\\') count += 1
  return count
}

function readFor(element: string): string | null | undefined {
  const found: string[] = []
  for (let at = 0; at >= 0;) {
    PAIR.lastIndex = at
    const [pair, name, token, quoted = '', next] = PAIR.exec(element) ?? []
    if (pair === undefined) return undefined
    if (name?.toLowerCase() === 'for') found.push(token ?? quoted.replace(/\\(.)/g, '$1'))
    at = next === ';' ? at + pair.length : -1
  }
  if (found.length === 0) return null
  return found.length === 1 ? found[0] : undefined
}
