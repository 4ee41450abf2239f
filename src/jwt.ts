/**
 * Accepts JSON Web Tokens of an identity provider, whose keys it fetches and keeps.
 *
 * @module with-auth/jwt
 */
import { systemClock } from './core/runtime.ts'
import { describeOptions, identify } from './jwt/describe.ts'
import { KeySource } from './jwt/key-source.ts'
import { createCustomFetch, createKeysFetch } from './jwt/keys-fetch.ts'
import { parseJwtOptions } from './jwt/options.ts'
import { createTokenCheck } from './jwt/token-check.ts'
import { readUnverifiedPart } from './jwt/token-header.ts'
import { readName } from './core/endpoint/claim-path.ts'
import { defineVerifier } from './verifiers/define-verifier.ts'
import type { DefinedVerifier } from './core/verifier.ts'
import type { JwtOptions } from './jwt/jwt-options.ts'
import type { ParsedOptions } from './jwt/options.ts'
import type { KeyFinder } from './jwt/token-check.ts'

export type { JwtOptions }

/**
 * Makes a `verifier` that accepts JSON Web Tokens (RFC 7519) of one issuer for this API. It checks the signature by the keys of
 * the issuer, then `iss`, `aud`, `exp`, `nbf` and the name of the caller. A token that is encrypted, unsigned, signed with a
 * shared secret or bound to a key of its holder is rejected, and so is one that says that it is an ID token or a refresh token.
 * One of more than 8,192 characters, such as Entra issues to members of many groups, is `malformed_credentials` (`too_long`)
 * before it gets here.
 *
 * The keys are fetched with the first request, again after `keysMaxAgeMs`, and when a token names a key that is not among them.
 * Made-up keys cause five fetches at once, and then one in six seconds; in between such a token is rejected as `overloaded`. While
 * the keys cannot be fetched, the old ones are used for `keysMaxStaleMs` longer, and a warning says so. Without keys a request is
 * rejected as unavailable, and not as denied.
 *
 * A token cannot be revoked: it works until it ends by itself. `cache: memoryCache()` saves the check of the signature, and keeps
 * no decision for longer than the token lasts. A key that the issuer withdraws is trusted for `keysMaxAgeMs` and the `allowTtlMs` of
 * the cache longer, and in an outage for `keysMaxStaleMs` more.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { jwt } from 'with-auth/jwt'
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: jwt({
 *     issuer: 'https://login.example.com/',
 *     audience: 'https://api.example.com',
 *     attributes: { 'realm_access.roles': 'roles' },
 *   }),
 *   cache: memoryCache(),
 * })
 * ```
 */
export function jwt(options: JwtOptions): DefinedVerifier {
  const parsed = parseJwtOptions(options)
  const { issuer, allowInsecureHttp } = parsed
  const origin = originOf(parsed)
  return defineVerifier({
    ask: createTokenCheck(parsed, createKeyFinder(parsed, origin), origin),
    reads: {},
    local: true,
    label: 'jwt',
    endsByItself: true,
    // For choosing only: the token may be anybody's.
    accepts: (token) => mayBeOf(issuer, readUnverifiedPart(token, 'claims')),
    warnings: allowInsecureHttp ? [INSECURE] : [],
    describe: () => describeOptions(parsed),
    id: identify(parsed),
  })
}

const INSECURE = '"allowInsecureHttp" is true: the keys of tokens may travel in clear text'

function createKeyFinder(options: ParsedOptions, origin: string): KeyFinder {
  const { keys } = options
  if (keys !== undefined && typeof keys !== 'function') {
    const { set } = keys
    return { find: (header) => set.imported(header) ?? set.find(header) }
  }
  const fetchKeys = keys === undefined ? createKeysFetch(options) : createCustomFetch(keys)
  return new KeySource(fetchKeys, origin, options, systemClock)
}

function mayBeOf(issuer: string | undefined, claims: unknown): boolean {
  return issuer === undefined ? claims !== undefined : readName(claims, 'iss') === issuer
}

/** Where the keys come from, for warnings. */
function originOf({ jwksUri, issuer }: ParsedOptions): string {
  const place = jwksUri ?? issuer ?? ''
  return URL.canParse(place) ? new URL(place).host : place
}
