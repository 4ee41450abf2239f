import { readName } from '../../core/endpoint/claim-path.ts'
import type { DenyDetail } from '../../core/types.ts'

/**
 * When a token ends, in milliseconds since 1970, by its own `exp`, which is not verified here. Good for a token that the cluster
 * has just allowed, since it has verified it. `undefined` for tokens that say nothing.
 */
export function endOf(token: string): number | undefined {
  const exp = numberOf(readClaims(token), 'exp')
  return exp === undefined || exp < 0 ? undefined : exp * 1000
}

/** Why the cluster may have denied a token, as the token itself says. Nothing is verified, so it explains and decides nothing. */
export function explainDenial(token: string, audiences: readonly string[] | undefined): DenyDetail {
  const claims = readClaims(token)
  const now = Date.now() / 1000
  if ((numberOf(claims, 'exp') ?? Infinity) <= now) return 'expired'
  if ((numberOf(claims, 'nbf') ?? 0) > now) return 'not_yet_valid'
  const aud = readName(claims, 'aud')
  if (audiences === undefined || aud === undefined) return 'unknown_token'
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return audiences.some((one) => named.includes(one)) ? 'unknown_token' : 'audience'
}

function readClaims(token: string): unknown {
  const [, payload, ...rest] = token.split('.')
  if (payload === undefined || rest.length !== 1) return undefined
  try {
    const bytes = atob(payload.replaceAll('-', '+').replaceAll('_', '/'))
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
    return JSON.parse(text) as unknown
  } catch {
    // A token of another kind, such as a static one.
    return undefined
  }
}

function numberOf(claims: unknown, name: 'exp' | 'nbf'): number | undefined {
  const value = readName(claims, name)
  return typeof value === 'number' && Number.isFinite(value * 1000) ? value : undefined
}
