import { boolean, integer } from '../../../core/config/kinds.ts'
import { misusedOption } from '../../../core/config/option-checks.ts'
import { ANY_ISSUER } from '../../../verifiers/any-issuer.ts'
import {
  claimPath,
  names,
  optionalText,
  optionalTexts,
  serviceUrl,
} from '../../../verifiers/options.ts'
import { introspection } from '../../../verifiers/introspection/introspection.ts'
import {
  claimsMapping,
  optional,
  present,
  providerType,
  secret,
  section,
  unchecked,
  verifyTls,
} from './provider.ts'
import { inKeysOf } from './renamed.ts'
import type { Verifier } from '../../../core/verifier.ts'
import type { Made, ProviderType, Tools } from './provider.ts'
import type { Names } from './renamed.ts'

interface JwksKeys {
  readonly uri: string
  readonly token: string | undefined
  readonly keyRecheckPeriod: number
}

interface IntrospectionKeys {
  readonly url: string
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly sendSecretInBody: boolean
}

interface Oauth2Keys {
  readonly issuer: string | undefined
  readonly audience: readonly string[] | undefined
  readonly jwks: JwksKeys | undefined
  readonly introspection: IntrospectionKeys | undefined
  readonly discovery: boolean
  readonly claimsMapping: Readonly<Record<string, string>>
  readonly tenantClaim: string | undefined
  readonly exposeClaims: readonly string[]
  readonly algorithms: unknown
  readonly types: unknown
  readonly clockToleranceSeconds: number
  readonly keysMaxStaleSeconds: number
  readonly verifyTls: true
  readonly tlsCafile: string | undefined
}

const TEXTS = {
  kind: 'texts',
  scalar: 'string',
  items: { kind: 'text', scalar: 'string' },
} as const
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
    issuer: optionalText,
    audience: optionalTexts,
    jwks: optional(
      section<JwksKeys>({
        uri: serviceUrl,
        token: secret,
        keyRecheckPeriod: integer({ default: 3600, min: 60, max: 86_400 }),
      }),
    ),
    introspection: optional(
      section<IntrospectionKeys>({
        url: serviceUrl,
        clientId: optionalText,
        clientSecret: secret,
        sendSecretInBody: boolean(false),
      }),
    ),
    discovery: boolean(false),
    claimsMapping: claimsMapping({
      sub: 'roles',
      username: 'roles',
      groups: 'teams',
      team: 'teams',
      project: 'projects',
      tenant: 'namespaces',
      namespace: 'namespaces',
    }),
    tenantClaim: claimPath,
    exposeClaims: names,
    algorithms: unchecked(TEXTS),
    types: unchecked(TEXTS),
    clockToleranceSeconds: integer({ default: 5, min: 0, max: 300 }),
    keysMaxStaleSeconds: integer({ default: 3600, min: 0, max: 86_400 }),
    verifyTls,
    tlsCafile: optionalText,
  },
  make,
  {
    jwksUri: 'jwks.uri',
    keys: 'jwks',
    cacheTtl: 'jwks.keyRecheckPeriod',
    'jwks.cacheTtl': 'jwks.keyRecheckPeriod',
    'introspection.tlsCafile': 'tlsCafile',
  },
)

function make(keys: Oauth2Keys, tools: Tools): Made {
  const { jwks, introspection: asked, discovery, tenantClaim } = keys
  const ways = [jwks !== undefined, asked !== undefined, discovery].filter(Boolean)
  if (ways.length !== 1) throw misusedOption([], ONE_OF)
  const lacksTenant = tenantClaim === undefined ? 'set "tenant_claim"' : undefined
  return asked === undefined
    ? { ...checkHere(keys, tools), lacksTenant }
    : { part: { verifier: askThere(keys, asked, tools) }, defaults: NONE_OF_JWT, lacksTenant }
}

const NONE_OF_JWT = Object.fromEntries(OF_JWT.map((name) => [name, undefined]))

function checkHere(keys: Oauth2Keys, tools: Tools): Made {
  const { jwks, issuer, algorithms, types } = keys
  const { audience = [tools.isOlder ? 'llama-stack' : 'ogx'] } = keys
  if (jwks === undefined && issuer === undefined) {
    throw misusedOption(['issuer'], 'the URL of the issuer, where `discovery` begins')
  }
  const makeJwt = tools.jwt
  if (makeJwt === undefined) {
    const expected =
      'left out for parseConfig without `jwt` of with-auth/jwt: pass it as in parseConfig(text, { jwt }), or use loadConfig'
    throw misusedOption([jwks === undefined ? 'discovery' : 'jwks'], expected)
  }
  const options = present({
    ...sharedOptions(keys, tools),
    issuer: issuer ?? ANY_ISSUER,
    audience,
    algorithms,
    types,
    clockToleranceSeconds: keys.clockToleranceSeconds,
    keysMaxStaleMs: keys.keysMaxStaleSeconds * 1000,
    ...(jwks === undefined ? {} : optionsOfKeys(jwks)),
  })
  const verifier = inKeysOf(JWT, () => makeJwt(options as never))
  const described = Object(verifier.describe?.()) as Partial<Oauth2Keys>
  return {
    part: { verifier },
    defaults: { audience, algorithms: described.algorithms },
    warnings: issuer === undefined ? [withoutIssuer(tools)] : [],
  }
}

function withoutIssuer({ quote }: Tools): string {
  return `${quote('issuer')} is missing: a token for this audience is good if any key of the set signed it, and several tenants may share such a set. Set it to the "iss" of your tokens`
}

function optionsOfKeys({ uri, token, keyRecheckPeriod }: JwksKeys): object {
  return present({
    jwksUri: uri,
    jwksHeaders: token === undefined ? undefined : { authorization: `Bearer ${token}` },
    keysMaxAgeMs: keyRecheckPeriod * 1000,
  })
}

function askThere(keys: Oauth2Keys, asked: IntrospectionKeys, tools: Tools): Verifier {
  const misplaced = OF_JWT.find(tools.has)
  if (misplaced !== undefined) {
    throw misusedOption([misplaced], 'left out beside `introspection`: the endpoint checks that')
  }
  const { clientId: id, clientSecret, sendSecretInBody } = asked
  if (id === undefined || clientSecret === undefined) {
    const name = id === undefined ? 'clientId' : 'clientSecret'
    throw misusedOption(['introspection', name], 'given: the endpoint must know who asks')
  }
  const method = sendSecretInBody ? 'post' : 'basic'
  return inKeysOf(INTROSPECTION, () =>
    introspection(
      present({
        ...sharedOptions(keys, tools),
        url: asked.url,
        client: { id, secret: clientSecret, method } as const,
        principal: ['sub', 'username'],
        // Another API's tokens are denied only where the audience is written down, as OGX does not check it.
        audience: keys.audience,
        issuer: keys.issuer,
      }),
    ),
  )
}

function sharedOptions(keys: Oauth2Keys, { allowInsecureHttp, fetch }: Tools) {
  const { claimsMapping: attributes, tenantClaim: tenant, exposeClaims } = keys
  return { attributes, tenant, exposeClaims, allowInsecureHttp, fetch }
}
