import type { UpstreamFetch } from './exchange.ts'

/** How the connection of a request can become a WebSocket. Only a server that can switch protocols makes one. */
export interface UpgradeOffer {
  /** Sends the handshake. The status is 101 only if the upstream switched, and the offer then holds its connection. */
  readonly fetch: UpstreamFetch
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

const OFFERS = new WeakMap<Request, UpgradeOffer>()

/** Lets the gateway answer this request with a WebSocket. */
export function offerUpgrade(request: Request, offer: UpgradeOffer): void {
  OFFERS.set(request, offer)
}

/** `undefined` for a request whose connection cannot become a WebSocket. */
export function upgradeOfferOf(request: Request): UpgradeOffer | undefined {
  return OFFERS.get(request)
}

/** Whether an `Upgrade` field names WebSockets. RFC 9110 §7.8: it may list several protocols, with versions. */
export function namesWebSocket(upgrade: string | null): boolean {
  return /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(upgrade ?? '')
}
