import { oneOf } from '../../../core/config/kinds.ts'
import { misusedOption } from '../../../core/config/option-checks.ts'
import { baseUrl } from '../../../verifiers/base-url.ts'
import { ANY_APP, githubToken } from '../../../verifiers/github/github-token.ts'
import { optionalText } from '../../../verifiers/options.ts'
import { claimsMapping, present, providerType, secret } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Made, ProviderType, Tools } from './provider.ts'
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
    githubApiBaseUrl: baseUrl('https://api.github.com'),
    clientId: optionalText,
    clientSecret: secret,
    principal: oneOf('login', 'id'),
    claimsMapping: claimsMapping({ login: 'roles', organizations: 'teams' }),
  },
  make,
)

function make(keys: GithubKeys, { quote, allowInsecureHttp }: Tools): Made {
  const { clientId, clientSecret, principal, claimsMapping: attributes } = keys
  const { githubApiBaseUrl: url } = keys
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    const [missing, given] =
      clientId === undefined ? ['clientId', 'clientSecret'] : ['clientSecret', 'clientId']
    throw misusedOption([missing], `given beside \`${given}\``)
  }
  const isApp = clientId !== undefined && clientSecret !== undefined
  const allow = isApp ? { clientId, clientSecret } : ('personal' as const)
  const options = present({ allow, baseUrl: url, principal, attributes, allowInsecureHttp })
  return {
    part: { verifier: inKeysOf(NAMES, () => githubToken(options)) },
    lacksTenant: 'GitHub has none. Set another mode',
    rewords: ANY_APP,
    warnings: [
      ...(isApp ? [] : [ofPersonal(quote)]),
      ...(attributes['login'] === 'roles' ? [ofLogins(quote)] : []),
    ],
  }
}

function ofPersonal(quote: Tools['quote']): string {
  return `${quote('client_id')} is missing: whoever runs an app that a user once authorized can act as that user here. Set it and "client_secret" to those of your own app`
}

function ofLogins(quote: Tools['quote']): string {
  return `${quote('claims_mapping')} makes a role of each login: a user called "admin" has the role "admin". Write claims_mapping: { organizations: teams }`
}
