import type { Verifier } from '../core/verifier.ts'

const TRUSTING = new WeakSet<Verifier>()

/** Whether a verifier allows every token by its options, so that a made-up one proves nothing about it. */
export function trustsNetwork(verifier: Verifier): boolean {
  return TRUSTING.has(verifier)
}

/** Notes that a verifier trusts whoever can reach this server. */
export function noteTrust(verifier: Verifier): void {
  TRUSTING.add(verifier)
}
