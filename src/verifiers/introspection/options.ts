import { misusedOption } from '../../core/config/option-checks.ts'
import {
  ATTRIBUTES,
  checkUrl,
  CLAIM_PATH,
  CLAIM_PATHS,
  NAMES,
  parseVerifierOptions,
  TEXTS,
} from '../options.ts'
import { requireDiscoverable } from '../discovery.ts'
import { CLIENT } from './client.ts'
import type { Transport } from '../../core/verifier.ts'
import type { Table } from '../../core/config/form.ts'
import type { AnswerRules } from './answer.ts'
import type { ClientProof, IntrospectionClient } from './client.ts'

/** The options of {@link introspection}. A path of claims walks objects: `a.b`, where `\.` is a dot within a name. */
export interface IntrospectionOptions {
  /** The URL of the introspection endpoint, with https, or with http on loopback. By default the metadata of `issuer` name it. */
  readonly url?: string | URL
  /** How this server proves who it is. Its secrets are never shown. */
  readonly client: IntrospectionClient
  /** One of these must be in `aud`. Without it a token that was issued for another API works here too. */
  readonly audience?: string | readonly string[]
  /**
   * `true` accepts an answer without `aud`, or with an empty list. Only with `audience`.
   *
   * @default false
   */
  readonly allowMissingAudience?: boolean
  /** The exact text that `iss` must be, if it is there. Without `url` it is where discovery begins. */
  readonly issuer?: string
  /**
   * The path of the claim that names the caller. Of a list the first that is present counts: `['sub', 'client_id']` also takes
   * tokens that an application got for itself. A person who may choose a client id can then take the name of a user.
   *
   * @default 'sub'
   */
  readonly principal?: string | readonly string[]
  /**
   * The attribute for each path of a claim: `{ 'realm_access.roles': 'roles' }`. A text becomes a list of one; only
   * `scope` and `scp` are split at blanks. `#keys` at the end of a path takes the names in an object. A claim that is neither a text
   * nor a list of texts gives no attribute, also together with others.
   *
   * @default {}
   */
  readonly attributes?: Readonly<Record<string, string>>
  /** The path of the claim that names the tenant: a text, or a list of exactly one. */
  readonly tenant?: string
  /**
   * The names of claims that the handler gets as they are, in `claims`: at most 8 KiB.
   *
   * @default []
   */
  readonly exposeClaims?: readonly string[]
  /** Whether a token may be one of this server, by its shape alone. For `firstOf`; by default each may. */
  readonly accepts?: (token: string) => boolean
  /**
   * `true` permits an http URL on another machine. Tokens and secrets then travel in clear text.
   *
   * @default false
   */
  readonly allowInsecureHttp?: boolean
  /**
   * Sends the requests, such as `nodeTransport()` of `with-auth/node`.
   *
   * @default `globalThis.fetch`, looked up at each call
   */
  readonly fetch?: Transport
}

/** Options with their defaults. */
export interface ParsedOptions extends AnswerRules {
  /** `undefined` if the metadata of the issuer name it. */
  readonly url: string | undefined
  readonly client: ClientProof
  readonly accepts: ((token: string) => boolean) | undefined
  readonly allowInsecureHttp: boolean
  readonly fetch: Transport | undefined
}

const TABLE: Table<ParsedOptions> = {
  url: { kind: 'url' },
  client: CLIENT,
  audience: TEXTS,
  allowMissingAudience: { kind: 'boolean', default: false },
  issuer: { kind: 'text' },
  principal: CLAIM_PATHS,
  attributes: ATTRIBUTES,
  tenant: CLAIM_PATH,
  exposeClaims: NAMES,
  accepts: { kind: 'function' },
  allowInsecureHttp: { kind: 'boolean', default: false },
  fetch: { kind: 'function' },
}

const NEEDS_URL = 'given, or `issuer`, whose metadata name it'

/** @throws AuthConfigError with all problems. */
export function parseIntrospectionOptions(value: unknown): ParsedOptions {
  return parseVerifierOptions(TABLE, value, (parsed, given, problems) => {
    const { url, issuer, allowInsecureHttp = false } = parsed
    checkUrl('url', url, parsed.allowInsecureHttp, problems)
    if (given.url === undefined) {
      if (issuer !== undefined)
        problems.attempt(() => requireDiscoverable(issuer, allowInsecureHttp, 'or give `url`'))
      if (given.issuer === undefined) problems.add(misusedOption(['url'], NEEDS_URL))
    }
    if (given.allowMissingAudience === undefined || given.audience !== undefined) return
    const expected = 'left out without `audience`: it has no effect'
    problems.add(misusedOption(['allowMissingAudience'], expected))
  })
}
