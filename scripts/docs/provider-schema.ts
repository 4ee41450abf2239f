import { FALL_THROUGH } from '../../src/yaml/providers/deciders.ts'
import { TENANCY_FIELDS } from '../../src/yaml/providers/tenancy-section.ts'
import { PROVIDER_TYPES } from '../../src/yaml/providers/types.ts'
import { keyOf } from '../../src/yaml/values.ts'
import { kindOf, kindsOf } from './option-kinds.ts'
import {
  anyOf,
  given,
  objectOf,
  orNull,
  propertiesOf,
  ref,
  REFERENCE,
  schemaOf,
  singleNeeds,
  url,
} from './kind-schema.ts'
import type { Fields } from './option-kinds.ts'
import type { Aliases } from '../../src/yaml/providers/aliases.ts'
import type { Schema } from './kind-schema.ts'

/** The providers of `server.auth`, for `schema.json`. */

const TYPE = anyOf({ enum: [...PROVIDER_TYPES.keys()] }, REFERENCE)
const absent = (key: string): Schema => ({ not: given(key) })
const within = (key: string, schema: Schema): Schema => ({
  required: [key],
  properties: { [key]: { type: 'object', ...schema } },
})
const isTrue = (key: string): Schema => ({
  required: [key],
  properties: { [key]: { const: true } },
})
const isReference = (key: string): Schema => ({
  required: [key],
  properties: { [key]: { type: 'string' } },
})

/** Exactly one of these, where a flag may come from the environment. */
function oneWay(ways: readonly Schema[], flag: string): Schema {
  const several = ways.flatMap((one, index) =>
    ways.slice(index + 1).map((other) => ({ allOf: [one, other] })),
  )
  return {
    if: isReference(flag),
    then: { not: anyOf(...several) },
    else: { oneOf: [...ways, isTrue(flag)] },
  }
}

const HAS_KEYS = anyOf(...['jwks', 'keys', 'jwks_uri', 'cache_ttl'].map(given))
const HAS_URI = anyOf(within('jwks', given('uri')), within('keys', given('uri')), given('jwks_uri'))
const IS_PROVEN = anyOf(
  given('trusted_proxy_secret_header'),
  given('trusted_proxy_signature_header'),
)
/** The rules of each type about several of its keys. */
const RULES: Readonly<Record<string, readonly Schema[]>> = {
  custom: [given('endpoint')],
  oauth2_token: [
    oneWay([HAS_KEYS, given('introspection')], 'discovery'),
    { if: HAS_KEYS, then: HAS_URI },
    {
      if: given('introspection'),
      then: {
        allOf: ['algorithms', 'types', 'clock_tolerance_seconds', 'keys_max_stale_seconds'].map(
          absent,
        ),
      },
    },
    {
      if: isTrue('discovery'),
      then: { allOf: [given('issuer'), { properties: { issuer: url('?') } }] },
    },
  ],
  github_token: [
    { if: given('client_id'), then: given('client_secret'), else: absent('client_secret') },
  ],
  kubernetes: [{ if: given('reviewer_token_file'), then: given('audiences') }],
  upstream_header: [
    given('principal_header'),
    oneWay(
      ['trusted_proxy_secret_header', 'trusted_proxy_signature_header', 'trusted_proxy_cidrs'].map(
        given,
      ),
      'trusted_network',
    ),
    { if: IS_PROVEN, then: given('trusted_proxy_secret'), else: absent('trusted_proxy_secret') },
    { if: given('trusted_proxy_signature_header'), then: absent('attribute_headers') },
  ],
  local_api_key: [given('api_keys')],
  api_keys: [given('file')],
}
/** Whether a provider gives a tenant, which `multi` needs. */
const GIVES_TENANT: Readonly<Record<string, Schema | boolean>> = {
  oauth2_token: given('tenant_claim'),
  github_token: false,
  kubernetes: given('tenant_claim'),
  upstream_header: anyOf(given('tenant_header'), given('trusted_proxy_signature_header')),
  local_api_key: false,
}

/** No two keys that mean the same. */
function noTwice(aliases: Aliases): readonly Schema[] {
  const meaning = (path: string): string => {
    const older = Object.keys(aliases).find((one) => path === one || path.startsWith(`${one}.`))
    return older === undefined ? path : meaning(`${aliases[older]}${path.slice(older.length)}`)
  }
  const newer = Object.values(aliases).flatMap((path) => {
    const renamed = Object.keys(aliases).filter((one) => path.startsWith(`${aliases[one]}.`))
    return [path, ...renamed.map((one) => `${one}${path.slice(String(aliases[one]).length)}`)]
  })
  const paths = [...new Set([...Object.keys(aliases), ...newer])]
  return paths.flatMap((one, index) =>
    paths
      .slice(index + 1)
      .filter((other) => meaning(one) === meaning(other))
      .map((other) => ({ not: { allOf: [givenAt(one), givenAt(other)] } })),
  )
}

function givenAt(path: string): Schema {
  const [first = '', second] = path.split('.').map(keyOf)
  return second === undefined ? given(first) : within(first, given(second))
}

/** The keys of each type. In a provider `null` leaves a key out. */
function ofType(name: string): Schema {
  const { fields = {}, aliases = {} } = PROVIDER_TYPES.get(name) ?? {}
  return {
    type: 'object',
    properties: { type: true, ...propertiesOf(kindsOf(fields), 'provider.') },
    additionalProperties: false,
    allOf: [...(RULES[name] ?? []), ...noTwice(aliases)],
  }
}

const typeNames = [...PROVIDER_TYPES.keys()].map(String)
export const isOf = (key: string, name: string): Schema => ({
  type: 'object',
  required: [key],
  properties: { [key]: { const: name } },
})

const providerSchema = (): Schema => ({
  description: 'Who is calling, by a provider of OGX, or by api_keys, which is of with-auth alone.',
  type: 'object',
  properties: { type: TYPE },
  required: ['type'],
  allOf: typeNames.map((name) => ({ if: isOf('type', name), then: ref(name) })),
})

/** `provider_type` and `config` of older servers. */
export const olderSchemas = (): readonly Schema[] =>
  typeNames.map((name) => ({
    if: isOf('provider_type', name),
    then: { properties: { config: { allOf: [ref(name)], properties: { type: false } } } },
  }))

/** The URLs of a provider are https, or http on this machine. */
function secureProvider(): Schema {
  const all = [...PROVIDER_TYPES.values()].map(({ fields }) => secureUrls(kindsOf(fields)))
  const issuer = { properties: { issuer: ref('secureEndpoint') } }
  return { allOf: [...all, { if: isTrue('discovery'), then: issuer }] }
}

function secureUrls(fields: Fields): Schema {
  const urls = Object.entries(fields).flatMap(([name, { form }]) => {
    if (form.isUrl === true) return [[keyOf(name), ref('secureEndpoint')]]
    const { properties = {} } = form.fields === undefined ? {} : secureUrls(form.fields)
    return Object.keys(Object(properties)).length === 0 ? [] : [[keyOf(name), { properties }]]
  })
  return { properties: Object.fromEntries(urls) as unknown }
}

/** Whether the providers give a tenant. */
export function tenantGivers(): Schema {
  return {
    properties: { provider_config: ref('tenantGiver'), providers: { items: ref('tenantGiver') } },
    allOf: Object.entries(GIVES_TENANT).map(([name, rule]) => ({
      if: isOf('provider_type', name),
      then: { properties: { config: rule } },
    })),
  }
}

/** The keys of `server.auth` that say how callers are checked, but for `endpoint`. */
export function decidersSchema(): Readonly<Record<string, Schema>> {
  return {
    provider_config: orNull(ref('provider')),
    providers: orNull({
      description: 'Several providers. The first that accepts a token decides.',
      type: 'array',
      items: { allOf: [ref('provider'), { not: isOf('type', 'upstream_header') }] },
      minItems: 1,
    }),
    fall_through: orNull({
      description: 'Asks the next of `providers` after a denial and after an outage.',
      ...schemaOf(kindOf(FALL_THROUGH), 'provider.fallThrough'),
    }),
    provider_type: orNull({ description: 'The older form of `provider_config.type`.', ...TYPE }),
    config: orNull({
      description: 'The older form of the other keys of `provider_config`.',
      type: 'object',
    }),
  }
}

/** The definitions that the schemas above refer to. */
export function providerDefinitions(): Readonly<Record<string, Schema>> {
  return {
    provider: providerSchema(),
    ...Object.fromEntries(typeNames.map((name) => [name, ofType(name)])),
    secureProvider: secureProvider(),
    tenantGiver: {
      allOf: Object.entries(GIVES_TENANT).map(([name, rule]) => ({
        if: isOf('type', name),
        then: rule,
      })),
    },
  }
}

/** `server.tenancy`. */
export function tenancySchema(): Schema {
  const { properties, ...object } = objectOf(kindsOf(TENANCY_FIELDS), 'tenancy.')
  const all = Object.entries(Object(properties)).map(([key, schema]) => [
    key,
    orNull(schema as Schema),
  ])
  return orNull({
    description: "The tenant of each caller, in OGX's place for `tenant`.",
    ...object,
    properties: Object.fromEntries(all) as unknown,
    ...singleNeeds('default_tenant_id'),
  })
}
