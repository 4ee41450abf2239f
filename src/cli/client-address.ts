import { forwardedFor } from './forwarded.ts'
import { includes, parseAddress } from './networks.ts'
import type { Address, Network } from './networks.ts'

/** Knows where requests come from. */
export interface ClientAddresses {
  /** The address of the client, if it is known. */
  readonly addressOf: (request: Request) => string | undefined
  /** Whether two headers of a trusted proxy name different clients: the client may have written one of them. */
  readonly isConflicting: (request: Request) => boolean
}

interface Found {
  readonly address?: string
  readonly isConflicting: boolean
}

// The walk ends there: the last address that it has read counts as the client.
const MOST_HOPS = 100
const PORT = '(?::(?:\\d{1,5}|_[\\w.-]{1,64}))?'
const V4_NODE = new RegExp(`^([\\d.]{7,15})${PORT}$`)
const V6_NODE = new RegExp(`^\\[([^\\]]+:[^\\]]*)\\]${PORT}$`)

/**
 * Finds the client behind trusted proxies, once for each request. It reads `X-Forwarded-For` and `Forwarded` (RFC 7239) where
 * the TCP peer is trusted, from the right: the first address that is not trusted is the client. An entry without an
 * address ends the walk: a client may have written everything to its left. A `Forwarded` whose last element has no `for` names
 * no client, so it counts as absent.
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
      if (!value?.trim() || read(value).next().value === null) return []
      return [walk(peer, read(value))]
    })
    // The headers say nothing for sure then, but the peer is known.
    if (address !== other) return { address: peer.text, isConflicting: true }
    return { address, isConflicting: false }
  }
  const known = new WeakMap<Request, Found>()
  const findOnce = (request: Request): Found => {
    const found = known.get(request) ?? find(request)
    known.set(request, found)
    return found
  }
  return {
    addressOf: (request) => findOnce(request).address,
    isConflicting: (request) => findOnce(request).isConflicting,
  }
}

/** The server that the command runs on tells the address of the TCP peer with the request. */
function peerOf(request: Request): Address | undefined {
  return 'ip' in request && typeof request.ip === 'string' ? parseAddress(request.ip) : undefined
}

function* entriesOf(list: string): Generator<string> {
  for (let end = list.length; end >= 0;) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1)
    yield list.slice(comma + 1, end).trim()
    end = comma
  }
}

function parseNode(node: string): Address | undefined {
  const [, address = node] = V4_NODE.exec(node) ?? V6_NODE.exec(node) ?? []
  return parseAddress(address)
}
