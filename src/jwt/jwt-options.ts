import type { Transport } from '../core/verifier.ts'

/** The options of {@link jwt}. Paths of claims walk objects: `realm_access.roles`, where `\.` is a dot within a name. */
export interface JwtOptions {
  /** The exact text that `iss` must be, a slash at its end included. Without `jwksUri` and `keys` it is where discovery begins. */
  readonly issuer: string
  /** One of these must be in `aud`. It cannot be switched off: a token for another API must not work here. */
  readonly audience: string | readonly string[]
  /** The URL of the JSON Web Key Set, with https, or with http on loopback. */
  readonly jwksUri?: string | URL
  /** Public keys in place of a URL: a JSON Web Key Set, or a function that fetches one and is called as often as a URL. */
  readonly keys?: { readonly keys: readonly object[] } | (() => Promise<object>)
  /**
   * The algorithms that tokens may be signed with. `HS256` is missing: a server that can check such a token can also make one.
   *
   * @default ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
   */
  readonly algorithms?: readonly string[]
  /**
   * The allowed values of `typ`, which is then required. `['at+jwt']` accepts only the access tokens of RFC 9068. By default
   * `typ` is `JWT`, `at+jwt` or absent.
   */
  readonly types?: readonly string[]
  /** How far clocks may differ when `exp`, `nbf` and `iat` are checked, from 0 to 300.
   * @default 5 */
  readonly clockToleranceSeconds?: number
  /** The greatest age of a token by `iat`, which then must be there, from 1 to 31,536,000. By default any. */
  readonly maxTokenAgeSeconds?: number
  /** Claims that must be there besides `iss`, `aud`, `exp` and the principal.
   * @default [] */
  readonly requiredClaims?: readonly string[]
  /** The path of the claim that names the caller.
   * @default 'sub' */
  readonly principal?: string
  /**
   * The attribute for each path of a claim: `{ 'realm_access.roles': 'roles' }`. A text becomes a list of one; only
   * `scope` and `scp` are split at blanks. `#keys` at the end of a path takes the names in an object. A claim that is neither a text
   * nor a list of texts gives no attribute, also together with others.
   *
   * @default {}
   */
  readonly attributes?: Readonly<Record<string, string>>
  /** The path of the claim that names the tenant: a text, or a list of exactly one. By default none. */
  readonly tenant?: string
  /** The names of claims that the handler gets as they are, in `claims`: at most 8 KiB.
   * @default [] */
  readonly exposeClaims?: readonly string[]
  /** How long fetched keys are used before they are fetched again, in milliseconds, from a minute to a day.
   * @default 600_000 */
  readonly keysMaxAgeMs?: number
  /**
   * How much longer they are used while they cannot be fetched, in milliseconds, from 0 to a day. A key that the issuer
   * withdraws is trusted for as long in an outage.
   *
   * @default 3_600_000
   */
  readonly keysMaxStaleMs?: number
  /** Headers of the request for `jwksUri`, such as `authorization`. Never shown.
   * @default {} */
  readonly jwksHeaders?: Readonly<Record<string, string>>
  /** Accepts http URLs of other machines. An attacker on the network could then replace the keys, and sign any token.
   * @default false */
  readonly allowInsecureHttp?: boolean
  /** Fetches the keys, such as `nodeTransport()`.
   * @default fetch */
  readonly fetch?: Transport
  /** The time to fetch the keys once, in milliseconds, from 1 to 60,000.
   * @default 5000 */
  readonly timeoutMs?: number
}
