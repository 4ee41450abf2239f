import { invalidSecret, isOptionsObject, readOptions } from '../../core/config/option-checks.ts'
import { BASE_URL } from '../base-url.ts'
import { ATTRIBUTES, checkUrl, parseVerifierOptions } from '../options.ts'
import type { Transport } from '../../core/verifier.ts'
import type { Table } from '../../core/config/form.ts'
import type { OptionPath } from '../../core/config/problems.ts'

/** The app whose tokens are allowed: an OAuth app or a GitHub App. */
export interface GithubApp {
  readonly clientId: string
  readonly clientSecret: string
}

/** The options of {@link githubToken}. */
export interface GithubTokenOptions {
  /**
   * Allows the tokens of an app, or with `'personal'` every token of a user. With `'personal'` the owner of any app that a user
   * once authorized can act as that user here.
   */
  readonly allow: GithubApp | 'personal'
  /**
   * The URL of the API. For GitHub Enterprise Server it ends in `/api/v3`.
   *
   * @default 'https://api.github.com'
   */
  readonly baseUrl?: string | URL
  /**
   * The principal. A login can be given up, and another user can take it then. An `id` stays with its user.
   *
   * @default 'login'
   */
  readonly principal?: 'login' | 'id'
  /**
   * The attribute for each path of the user: `{ login: 'github_login', organizations: 'teams' }`. A text becomes a list of one;
   * a list with anything but texts gives none. Users choose their login and their name: give no rights by these.
   *
   * @default {}
   */
  readonly attributes?: Readonly<Record<string, string>>
  /**
   * Whether `organizations` has the logins of the user's organizations. They are read if `attributes` names them, at most
   * 1,000. A token that may not list all of them is denied: a classic one needs the scope `read:org`. GitHub lists none
   * for a fine-grained token.
   *
   * @default true
   */
  readonly organizations?: boolean
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
export interface ResolvedGithub {
  readonly allow: GithubApp | 'personal'
  readonly baseUrl: string
  readonly principal: 'login' | 'id'
  readonly attributes: Readonly<Record<string, string>>
  readonly organizations: boolean
  readonly allowInsecureHttp: boolean
  readonly fetch: Transport | undefined
}

const APP_NAMES = ['clientId', 'clientSecret'] as const
const EXPECTED = '"personal", or { clientId, clientSecret } of the app whose tokens are allowed'

const TABLE: Table<ResolvedGithub> = {
  allow: { kind: 'code', is: 'allow', isSecret: true, isRequired: true, read: parseAllow },
  baseUrl: { ...BASE_URL, default: 'https://api.github.com' },
  principal: { kind: 'choice', choices: ['login', 'id'], default: 'login' },
  attributes: ATTRIBUTES,
  organizations: { kind: 'boolean', default: true },
  allowInsecureHttp: { kind: 'boolean', default: false },
  fetch: { kind: 'function' },
}

/** @throws AuthConfigError with all problems. */
export function parseGithubOptions(value: unknown): ResolvedGithub {
  return parseVerifierOptions(TABLE, value, (parsed, _given, problems) => {
    checkUrl('baseUrl', parsed.baseUrl, parsed.allowInsecureHttp, problems)
  })
}

function parseAllow(value: unknown, path: OptionPath): GithubApp | 'personal' {
  if (value === 'personal') return value
  if (!isOptionsObject(value)) throw invalidSecret(path, EXPECTED)
  const { clientId, clientSecret } = readOptions(value, APP_NAMES, path)
  // A colon would end the id (RFC 7617 §2).
  const isApp = isVisible(clientId) && !clientId.includes(':') && isVisible(clientSecret)
  if (!isApp) throw invalidSecret(path, EXPECTED)
  return { clientId, clientSecret }
}

function isVisible(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
}
