import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { quote } from '../ask.ts'
import { mapAttributes } from '../claims.ts'
import { defineVerifier } from '../define-verifier.ts'
import { idOf } from '../id/id.ts'
import { INSECURE_HTTP, READS_TOKEN } from '../options.ts'
import { createAskGithub, deny, invalid } from './api.ts'
import { parseGithubOptions } from './options.ts'
import { readOrganizations } from './organizations.ts'
import type { DefinedVerifier, Verdict } from '../../core/verifier.ts'
import type { AskGithub, Denial } from './api.ts'
import type { GithubApp, GithubTokenOptions, ResolvedGithub } from './options.ts'

/** A user as GitHub describes one, and what is known about the token. */
interface Account {
  readonly user: Readonly<Record<string, unknown>>
  readonly facts: Pick<Extract<Verdict, { outcome: 'allow' }>, 'scopes' | 'clientId' | 'expiresAt'>
}

export const ANY_APP: string =
  '"allow" is "personal": whoever runs an app that a user once authorized can act as that user here. ' +
  'Prefer { clientId, clientSecret } of your own app'

// GitHub blocks an address that sends many wrong tokens, so that only tokens of users are sent there.
const PERSONAL = /^(?:gh[pou]|github_pat)_[\w.-]{16,}$/
const OF_APPS = /^gh[ou]_[\w.-]{16,}$/

/**
 * Makes a verifier for tokens of GitHub. With the id and the secret of an app it allows the tokens that the app got for users;
 * with `allow: 'personal'` every token of a user, and warns. Tokens of another form, such as those of installations, are denied
 * without a call. If the organizations of a user cannot be read in full, there is no decision: a rule could depend on the
 * missing one.
 *
 * GitHub answers 5,000 questions an hour for each user. Set `cache: memoryCache({ allowTtlMs: 60_000 })`.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { githubToken } from 'with-auth/verifiers'
 *
 * declare const env: { readonly GITHUB_CLIENT_SECRET: string }
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: githubToken({
 *     allow: { clientId: 'Iv1.0123456789abcdef', clientSecret: env.GITHUB_CLIENT_SECRET },
 *     principal: 'id',
 *     attributes: { login: 'github_login', organizations: 'teams' },
 *   }),
 *   cache: memoryCache({ allowTtlMs: 60_000 }),
 * })
 * ```
 */
export function githubToken(options: GithubTokenOptions): DefinedVerifier {
  const github = parseGithubOptions(options)
  const { allow, fetch, allowInsecureHttp, ...rest } = github
  const isApp = allow !== 'personal'
  const form = isApp ? OF_APPS : PERSONAL
  const accepts = (token: string): boolean => form.test(token)
  const shown = isApp ? { clientId: allow.clientId, clientSecret: '[redacted]' } : allow
  const secrets = isApp ? { secrets: allow.clientSecret } : {}
  return defineVerifier({
    ask: async ({ token }, signal, run = {}) => {
      if (!accepts(token)) return deny('unknown_token')
      const ask = createAskGithub(github.baseUrl, fetch ?? runtimeFetch, signal, run)
      const account = isApp ? await askByApp(ask, token, allow) : await askByToken(ask, token)
      if ('outcome' in account) return account
      return judge(account, github, () => readOrganizations(ask, token))
    },
    reads: READS_TOKEN,
    label: 'github',
    accepts,
    warnings: [...(isApp ? [] : [ANY_APP]), ...(allowInsecureHttp ? [INSECURE_HTTP] : [])],
    describe: () => ({ type: 'github_token', allow: shown, ...rest, allowInsecureHttp }),
    id: idOf({ type: 'github', url: github.baseUrl, fetch, options: [shown, rest], ...secrets }),
  })
}

async function askByToken(ask: AskGithub, token: string): Promise<Account | Denial> {
  const answer = await ask({
    method: 'GET',
    path: '/user',
    authorization: `Bearer ${token}`,
    expected: { 200: 'json', 401: 'ignore' },
    expectsSuspension: true,
  })
  if (answer.status === 401) return deny('unknown_token')
  if (answer.status === 403) return deny('inactive')
  const { headers, json } = answer
  const scopes = headers
    .get('x-oauth-scopes')
    ?.split(',')
    .map((scope) => scope.trim())
  return accountOf(json, {
    scopes: scopes?.filter((scope) => scope !== ''),
    expiresAt: parseTime(headers.get('github-authentication-token-expiration')),
  })
}

async function askByApp(
  ask: AskGithub,
  token: string,
  { clientId, clientSecret }: GithubApp,
): Promise<Account | Denial> {
  const answer = await ask({
    method: 'POST',
    path: `/applications/${encodeURIComponent(clientId)}/token`,
    authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
    body: JSON.stringify({ access_token: token }),
    expected: { 200: 'json', 404: 'ignore', 422: 'ignore' },
  })
  const { status, json } = answer
  // A token that the app did not get is not found.
  if (status === 404 || status === 422) return deny('unknown_token')
  // GitHub names the app that the token belongs to. A proxy or a cache in between may have mixed up two answers.
  const named = readName(readName(json, 'app'), 'client_id')
  if (named !== clientId) {
    throw invalid(`answered about the app ${quote(named)}, "clientId" is ${quote(clientId)}`)
  }
  const scopes = readName(json, 'scopes')
  return accountOf(readName(json, 'user'), {
    clientId,
    scopes: Array.isArray(scopes) ? scopes.filter((one) => typeof one === 'string') : undefined,
    expiresAt: parseTime(readName(json, 'expires_at')),
  })
}

function accountOf(user: unknown, facts: Account['facts']): Account {
  if (isRecord(user)) return { user, facts }
  throw invalid('described no user')
}

async function judge(
  { user, facts }: Account,
  { principal: named, attributes, organizations }: ResolvedGithub,
  readLogins: () => Promise<readonly string[] | Denial>,
): Promise<Verdict> {
  const suspendedAt = readName(user, 'suspended_at')
  if (suspendedAt !== undefined && suspendedAt !== null) return deny('inactive')
  const principal = principalOf(user, named)
  const isAsked = organizations && Object.hasOwn(attributes, 'organizations')
  const logins = isAsked ? await readLogins() : undefined
  if (logins !== undefined && 'outcome' in logins) return logins
  // GitHub writes ids as numbers.
  const claims = { ...numbersAsTexts(user), organizations: logins }
  return { outcome: 'allow', principal, attributes: mapAttributes(claims, attributes), ...facts }
}

function numbersAsTexts(user: Account['user']): Account['user'] {
  return Object.fromEntries(
    Object.entries(user).map(([name, value]) => [
      name,
      Number.isSafeInteger(value) ? String(value) : value,
    ]),
  )
}

function principalOf(user: Account['user'], named: 'login' | 'id'): string {
  const value = readName(user, named)
  if (named === 'id' && Number.isSafeInteger(value)) return String(value)
  if (named === 'login' && typeof value === 'string' && value !== '') return value
  throw invalid(`described a user without "${named}"`)
}

/** A time as GitHub writes it: `2026-12-01T12:00:00Z`, `2026-12-01 12:00:00 UTC`, or `2026-12-01 14:00:00 +0200`. */
function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  // The language leaves it to each engine whether it reads other forms than the first.
  const time = Date.parse(value.replace(/^([\d-]{10}) ([\d:]{8}) UTC$/, '$1T$2Z'))
  return Number.isNaN(time) ? undefined : time
}
