import { JWSSignatureVerificationFailed } from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { systemClock } from '../core/runtime.ts'
import { allowByClaims, lacking } from '../verifiers/claims.ts'
import { checkClaims, explainMisfit } from './token-claims.ts'
import { HeaderReader, normaliseType, parseBytes } from './token-header.ts'
import type { FoundKey } from './key-set.ts'
import type { ParsedOptions } from './options.ts'
import type { TokenHeader } from './token-header.ts'
import type { DenyDetail } from '../core/types.ts'
import type { AskVerifier, Verdict, VerifierRun } from '../core/verifier.ts'

/** Finds the key for a token. Throws `AuthUnavailableError` if it cannot be known whether there is one. */
export interface KeyFinder {
  find(header: TokenHeader, signal: AbortSignal, run: VerifierRun): CryptoKey | Promise<FoundKey>
}

/** These may be over soon without a new token, so no such denial is cached. */
const TRANSIENT: ReadonlySet<DenyDetail> = new Set<DenyDetail>(['unknown_key', 'not_yet_valid'])

/**
 * Makes the check of one token: first what is cheap, then the signature, then what it protects.
 *
 * @param origin Where the keys come from, for warnings.
 */
export function createTokenCheck(
  options: ParsedOptions,
  keys: KeyFinder,
  origin: string,
): AskVerifier {
  const { types = ['JWT', 'at+jwt'], principal, ...rest } = options
  const mayLackType = options.types === undefined
  const headers = new HeaderReader({ ...rest, types: types.map(normaliseType), mayLackType })
  const mapping = { ...rest, principal: [principal] }
  const warnOfMisfit = createMisfitWarning()

  return async ({ token }, signal, run = {}) => {
    const header = headers.read(token)
    if (typeof header === 'string') return deny(header)
    const key = await keys.find(header, signal, run)
    if (typeof key === 'string') {
      warnOfKey(key, header, origin, run)
      return deny('unknown_key')
    }
    const payload = await verify(token, key)
    if (typeof payload === 'string') return deny(payload)
    headers.remember(token, header)
    const claims = parseBytes(payload)
    const good = checkClaims(claims, rest, Date.now())
    if (typeof good === 'string') {
      const misfit = explainMisfit(good, claims, rest)
      if (misfit === undefined) return deny(good)
      warnOfMisfit(misfit, run)
      return { outcome: 'deny', detail: good, cause: misfit }
    }
    if ('missing' in good) return lacking([good.missing])
    const verdict = allowByClaims(good.claims, mapping)
    return verdict.outcome === 'deny' ? verdict : { ...verdict, expiresAt: good.expiresAt }
  }
}

/** The payload of a token with a good signature, or why the token is denied. */
async function verify(token: string, key: CryptoKey): Promise<Uint8Array | DenyDetail> {
  try {
    return (await compactVerify(token, key)).payload
  } catch (error) {
    if (error instanceof JWSSignatureVerificationFailed) return 'signature'
    throw error
  }
}

function deny(detail: DenyDetail): Verdict {
  return { outcome: 'deny', detail, ...(TRANSIENT.has(detail) ? { maxAgeMs: 0 } : {}) }
}

const MINUTE_MS = 60_000

/** Warns once a minute, however many tokens for elsewhere come. */
function createMisfitWarning(): (misfit: string, run: VerifierRun) => void {
  let warnedAt = -Infinity
  return (misfit, { warn }) => {
    const now = systemClock.now()
    if (now - warnedAt < MINUTE_MS) return
    warnedAt = now
    warn?.(`A token whose signature is good was denied: ${misfit}`)
  }
}

// Both are faults of the issuer or of this runtime. A token with a made-up key id brings no warning.
function warnOfKey(
  found: Exclude<FoundKey, CryptoKey>,
  { alg, kid }: TokenHeader,
  origin: string,
  { warn }: VerifierRun,
): void {
  if (found === 'ambiguous' && kid !== undefined) {
    warn?.(`Several keys of ${origin} have one "kid": tokens that name it are rejected`)
  }
  if (found === 'unusable') {
    warn?.(
      `This runtime cannot use a key of ${origin} for ${alg}: tokens that it signs are rejected. Let the issuer sign with RS256 or ES256`,
    )
  }
}
