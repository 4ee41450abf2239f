import { BASE_URL } from '../../../verifiers/base-url.ts'
import { ANY_APP, githubToken } from '../../../verifiers/github/github-token.ts'
import { ATTRIBUTES } from '../../../verifiers/options.ts'
import { present, providerType } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'
import type { Names } from './renamed.ts'

interface GithubKeys {
  readonly githubApiBaseUrl: string
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly principal: 'login' | 'id'
  readonly claimsMapping: Readonly<Record<string, string>>
}

const NAMES: Names = {
  allow: 'clientId',
  baseUrl: 'githubApiBaseUrl',
  attributes: 'claimsMapping',
}

/** Tokens of users of GitHub. */
export const GITHUB: ProviderType = providerType<GithubKeys>(
  {
    githubApiBaseUrl: { ...BASE_URL, default: 'https://api.github.com' },
    // A colon would end the id (RFC 7617 §2).
    clientId: {
      kind: 'text',
      pattern: /^[\x21-\x39\x3b-\x7e]+$/,
      expected: 'visible ASCII without a colon',
    },
    clientSecret: {
      kind: 'text',
      pattern: /^[\x21-\x7e]+$/,
      isSecret: true,
      expected: 'visible ASCII',
    },
    principal: { kind: 'choice', choices: ['login', 'id'], default: 'login' },
    claimsMapping: { ...ATTRIBUTES, default: { login: 'roles', organizations: 'teams' } },
  },
  make,
  { lacksTenant: () => 'GitHub has none. Set another mode' },
)

function make(keys: Given<GithubKeys>, tools: Tools): Made {
  const { has, quote, allowInsecureHttp, reject } = tools
  const { clientId, clientSecret, principal, claimsMapping: attributes } = keys
  const { githubApiBaseUrl: url } = keys
  if (has('clientId') !== has('clientSecret')) {
    const [missing, given] = has('clientId')
      ? ['clientSecret', 'clientId']
      : ['clientId', 'clientSecret']
    reject([missing], `given beside \`${given}\``)
  }
  const isApp = clientId !== undefined && clientSecret !== undefined
  const allow = isApp ? { clientId, clientSecret } : ('personal' as const)
  const fetch = tools.watched(undefined)
  const options = present({ allow, baseUrl: url, principal, attributes, allowInsecureHttp, fetch })
  return {
    part: { verifier: inKeysOf(NAMES, () => githubToken(options)) },
    names: NAMES,
    rewords: ANY_APP,
    warnings: [
      ...(isApp ? [] : [ofPersonal(quote)]),
      ...(attributes?.['login'] === 'roles' ? [ofLogins(quote)] : []),
    ],
  }
}

function ofPersonal(quote: Tools['quote']): string {
  return `${quote('client_id')} is missing: whoever runs an app that a user once authorized can act as that user here. Set it and "client_secret" to those of your own app`
}

function ofLogins(quote: Tools['quote']): string {
  return `${quote('claims_mapping')} makes a role of each login: a user called "admin" has the role "admin". Write claims_mapping: { organizations: teams }`
}
