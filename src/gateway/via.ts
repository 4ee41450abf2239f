/** The path of a request from gateway to gateway, so that none passes it on for ever. */
export interface Hops {
  /** The value of `Via` with this gateway's hop, or `undefined` for a request that goes in circles. */
  readonly follow: (via: string | null) => string | undefined
}

// Several processes behind one address are several gateways: a circle through them is cut as well.
const MAX_HOPS = 8
const OWN_HOPS = /(?<=^|[\s,])with-auth-[a-z\d]{1,12}(?=$|[\s,])/g

/**
 * Makes the gateway's name in `Via` (RFC 9110 §7.6.3), and finds out whether a request has been here. Of what a client
 * sends the hops of gateways of this kind are kept, and nothing else.
 */
export function createHops(random: () => number = Math.random): Hops {
  let own: string | undefined
  return {
    follow: (via) => {
      // Not before the first request: Workers give no random number at the top level.
      own ??= `with-auth-${random().toString(36).slice(2, 12)}`
      const hops: readonly string[] = via?.match(OWN_HOPS) ?? []
      if (hops.includes(own) || hops.length >= MAX_HOPS) return undefined
      return [...hops, own].map((hop) => `1.1 ${hop}`).join(', ')
    },
  }
}
