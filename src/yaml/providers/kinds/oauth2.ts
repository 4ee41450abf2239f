import { ANY_ISSUER } from '../../../verifiers/any-issuer.ts'
import { ATTRIBUTES, CLAIM_PATH, NAMES, SERVICE_URL, TEXTS } from '../../../verifiers/options.ts'
import { introspection } from '../../../verifiers/introspection/introspection.ts'
import { unchecked, VERIFY_TLS } from './key-kinds.ts'
import { INTROSPECTION_KEYS } from './introspection-keys.ts'
import { present, providerType } from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Verifier } from '../../../core/verifier.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'
import type { IntrospectionKeys } from './introspection-keys.ts'
import type { Names } from './renamed.ts'

interface JwksKeys {
  readonly uri: string
  readonly token: string | undefined
  readonly keyRecheckPeriod: number
}

interface Oauth2Keys {
  readonly issuer: string | undefined
  readonly audience: readonly string[] | undefined
  readonly jwks: JwksKeys | undefined
  readonly introspection: IntrospectionKeys | undefined
  readonly discovery: boolean
  readonly claimsMapping: Readonly<Record<string, string>>
  readonly principal: string | undefined
  readonly tenantClaim: string | undefined
  readonly exposeClaims: readonly string[]
  readonly algorithms: unknown
  readonly types: unknown
  readonly clockToleranceSeconds: number
  readonly keysMaxStaleSeconds: number
  readonly verifyTls: true
  readonly tlsCafile: string | undefined
}

const OF_TEXTS = { items: { kind: 'text' } } as const
const ONE_OF = 'a mapping with one of `jwks`, `introspection` and `discovery`'
/** These are about tokens that are checked here. */
const OF_JWT = ['algorithms', 'types', 'clockToleranceSeconds', 'keysMaxStaleSeconds'] as const

const SHARED: Names = { attributes: 'claimsMapping', tenant: 'tenantClaim', fetch: 'tlsCafile' }
const JWT: Names = {
  ...SHARED,
  jwksUri: 'jwks.uri',
  keys: 'jwks',
  'jwksHeaders.authorization': 'jwks.token',
  keysMaxAgeMs: 'jwks.keyRecheckPeriod',
  keysMaxStaleMs: 'keysMaxStaleSeconds',
}
const INTROSPECTION: Names = { ...SHARED, url: 'introspection.url', client: 'introspection' }

/** Tokens of an identity provider: checked here by its keys, or by its introspection endpoint. */
export const OAUTH2: ProviderType = providerType<Oauth2Keys>(
  {
    issuer: { kind: 'text' },
    audience: TEXTS,
    jwks: {
      kind: 'group',
      expected: 'a mapping',
      fields: {
        uri: SERVICE_URL,
        // It ends the header `Authorization`.
        token: {
          kind: 'text',
          pattern: /^[\x20-\x7e]*[\x21-\x7e]$/,
          isSecret: true,
          expected: 'printable ASCII without a blank at its end',
        },
        keyRecheckPeriod: { kind: 'seconds', default: 3600, min: 60, max: 86_400 },
      },
    },
    introspection: INTROSPECTION_KEYS,
    discovery: { kind: 'boolean', default: false },
    claimsMapping: {
      ...ATTRIBUTES,
      default: {
        sub: 'roles',
        username: 'roles',
        groups: 'teams',
        team: 'teams',
        project: 'projects',
        tenant: 'namespaces',
        namespace: 'namespaces',
      },
    },
    principal: CLAIM_PATH,
    tenantClaim: CLAIM_PATH,
    exposeClaims: NAMES,
    algorithms: unchecked('algorithms', OF_TEXTS),
    types: unchecked('texts', OF_TEXTS),
    clockToleranceSeconds: { kind: 'seconds', default: 5, min: 0, max: 300 },
    keysMaxStaleSeconds: { kind: 'seconds', default: 3600, min: 0, max: 86_400 },
    verifyTls: VERIFY_TLS,
    tlsCafile: { kind: 'text' },
  },
  make,
  {
    aliases: {
      jwksUri: 'jwks.uri',
      keys: 'jwks',
      cacheTtl: 'jwks.keyRecheckPeriod',
      'jwks.cacheTtl': 'jwks.keyRecheckPeriod',
      'introspection.tlsCafile': 'tlsCafile',
    },
    lacksTenant: (has) => (has('tenantClaim') ? undefined : 'set "tenant_claim"'),
  },
)

function make(keys: Given<Oauth2Keys>, tools: Tools): Made | undefined {
  const { has, reject } = tools
  // A wrong `discovery` is a problem already.
  const { discovery = !has('jwks') && !has('introspection') } = keys
  const ways = [has('jwks'), has('introspection'), discovery].filter(Boolean)
  if (ways.length !== 1) reject([], ONE_OF)
  if (!has('introspection')) return checkHere({ ...keys, discovery }, tools)
  const misplaced = ways.length === 1 ? OF_JWT.filter(has) : []
  for (const name of misplaced) {
    reject([name], 'left out beside `introspection`: the endpoint checks that')
  }
  const verifier = keys.introspection && askThere(keys, keys.introspection, tools)
  return verifier && { part: { verifier }, names: INTROSPECTION, defaults: NONE_OF_JWT }
}

const NONE_OF_JWT = Object.fromEntries(OF_JWT.map((name) => [name, undefined]))

function checkHere(keys: Given<Oauth2Keys>, tools: Tools): Made | undefined {
  const { jwks, issuer, algorithms, types, keysMaxStaleSeconds } = keys
  const isDiscovered = keys.discovery === true && !tools.has('jwks')
  const { audience = [tools.isOlder ? 'llama-stack' : 'ogx'] } = keys
  if (isDiscovered && !tools.has('issuer')) {
    tools.reject(['issuer'], 'the URL of the issuer, where `discovery` begins')
  }
  const makeJwt = tools.jwt
  if (makeJwt === undefined) {
    const expected =
      'left out for parseConfig without `jwt` of with-auth/jwt: pass it as in parseConfig(text, { jwt }), or use loadConfig'
    tools.reject([isDiscovered ? 'discovery' : 'jwks'], expected)
    return undefined
  }
  const options = present({
    ...sharedOptions(keys, tools),
    principal: keys.principal,
    issuer: issuer ?? ANY_ISSUER,
    audience,
    algorithms,
    types,
    clockToleranceSeconds: keys.clockToleranceSeconds,
    keysMaxStaleMs: keysMaxStaleSeconds && keysMaxStaleSeconds * 1000,
    // Without keys that can be used, the rest is checked anyway.
    ...(jwks === undefined
      ? present({ keys: isDiscovered ? undefined : () => undefined })
      : optionsOfKeys(jwks)),
  })
  const verifier = inKeysOf(JWT, () => makeJwt(options as never))
  const described = Object(verifier.describe?.()) as Partial<Oauth2Keys>
  return {
    part: { verifier },
    // No other, since its warnings quote what tokens name.
    names: { jwksUri: 'jwks.uri' },
    defaults: { audience, algorithms: described.algorithms },
    warnings: [
      ...(issuer === undefined ? [withoutIssuer(tools)] : []),
      ...(tools.has('audience') || tools.isOlder ? [] : [withoutAudience(tools)]),
    ],
  }
}

function withoutIssuer({ quote }: Tools): string {
  return `${quote('issuer')} is missing: a token for this audience is good if any key of the set signed it, and several tenants may share such a set. Set it to the "iss" of your tokens`
}

function withoutAudience({ quote }: Tools): string {
  return `${quote('audience')} is missing: tokens must be for "ogx", as in OGX. Llama Stack up to 0.7.3 expects "llama-stack": set it to the "aud" of your tokens`
}

function optionsOfKeys({ uri, token, keyRecheckPeriod }: JwksKeys): object {
  return present({
    jwksUri: uri,
    jwksHeaders: token === undefined ? undefined : { authorization: `Bearer ${token}` },
    keysMaxAgeMs: keyRecheckPeriod * 1000,
  })
}

function askThere(keys: Given<Oauth2Keys>, asked: IntrospectionKeys, tools: Tools): Verifier {
  const { clientId: id = '', clientSecret = '', sendSecretInBody } = asked
  const method = sendSecretInBody === true ? 'post' : 'basic'
  return inKeysOf(INTROSPECTION, () =>
    introspection(
      present({
        ...sharedOptions(keys, tools),
        url: asked.url,
        client: asked.client ?? ({ id, secret: clientSecret, method } as const),
        principal: keys.principal ?? ['sub', 'username'],
        // Another API's tokens are denied only where the audience is written down, as OGX does not check it.
        audience: keys.audience,
        issuer: keys.issuer,
      }),
    ),
  )
}

function sharedOptions(keys: Given<Oauth2Keys>, { allowInsecureHttp, fetch, watched }: Tools) {
  const { claimsMapping: attributes, tenantClaim: tenant, exposeClaims } = keys
  return { attributes, tenant, exposeClaims, allowInsecureHttp, fetch: watched(fetch) }
}
