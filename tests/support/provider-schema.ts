import { FALL_THROUGH } from '../../src/yaml/providers/deciders.ts'
import { TENANCY_FIELDS } from '../../src/yaml/providers/tenancy-section.ts'
import { PROVIDER_TYPES } from '../../src/yaml/providers/types.ts'
import { anyOf, objectOf, propertiesOf, ref, REFERENCE, schemaOf } from './kind-schema.ts'
import type { Schema } from './kind-schema.ts'

/** The providers of `server.auth`, for `schema.json`. */

/** `null` leaves a key out, as in OGX. A description and a default stay where editors look for them. */
export function orNull({ description, default: byDefault, ...schema }: Schema): Schema {
  return {
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...anyOf({ type: 'null' }, schema),
  }
}

/** Whether a key is there, and not `null`. */
export const given = (key: string): Schema => ({
  required: [key],
  properties: { [key]: { not: { type: 'null' } } },
})

const TYPE = anyOf({ enum: [...PROVIDER_TYPES.keys()] }, REFERENCE)
/** The required keys of each type of provider. */
const NEEDED: Readonly<Record<string, Schema>> = {
  custom: { required: ['endpoint'] },
  oauth2_token: anyOf(
    ...['jwks', 'jwks_uri', 'introspection', 'discovery'].map((key) => ({ required: [key] })),
  ),
  upstream_header: { required: ['principal_header'] },
  local_api_key: { required: ['api_keys'] },
}

/** The keys of each type. In a provider `null` leaves a key out. */
function ofType(name: string): Schema {
  const { fields = {} } = PROVIDER_TYPES.get(name) ?? {}
  const all = Object.entries(propertiesOf(fields, 'provider.'))
  const properties = all.map(([key, schema]) => [key, orNull(schema as Schema)])
  return {
    type: 'object',
    properties: { type: true, ...Object.fromEntries(properties) },
    additionalProperties: false,
    ...NEEDED[name],
  }
}

const typeNames = [...PROVIDER_TYPES.keys()].map(String)
export const isOf = (key: string, name: string): Schema => ({
  required: [key],
  properties: { [key]: { const: name } },
})

const providerSchema = (): Schema => ({
  description: 'Who is calling, by a provider of OGX.',
  type: 'object',
  properties: { type: TYPE },
  required: ['type'],
  allOf: typeNames.map((name) => ({ if: isOf('type', name), then: ref(name) })),
})

/** `provider_type` and `config` of older servers. */
export const olderSchemas = (): readonly Schema[] =>
  typeNames.map((name) => ({
    if: isOf('provider_type', name),
    then: { properties: { config: ref(name) } },
  }))

/** The keys of `server.auth` that say how callers are checked, but for `endpoint`. */
export function decidersSchema(): Readonly<Record<string, Schema>> {
  return {
    provider_config: orNull(ref('provider')),
    providers: orNull({
      description: 'Several providers. The first that accepts a token decides.',
      type: 'array',
      items: ref('provider'),
      minItems: 1,
    }),
    fall_through: orNull({
      description: 'Asks the next of `providers` after a denial and after an outage.',
      ...schemaOf(FALL_THROUGH.form, 'provider.fallThrough'),
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
  }
}

/** `server.tenancy`. */
export function tenancySchema(): Schema {
  const object = objectOf(TENANCY_FIELDS, 'tenancy.')
  return { description: "The tenant of each caller, in OGX's place for `tenant`.", ...object }
}
