import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { DECIDER_KEYS, FALL_THROUGH } from '../../src/yaml/providers/deciders.ts'
import { PROVIDER_TYPES } from '../../src/yaml/providers/types.ts'
import { keyOf } from '../../src/yaml/setting.ts'
import { TENANCY_FIELDS } from '../../src/yaml/tenancy-section.ts'
import { readDocumentation } from './documented-types.ts'
import type { Form } from '../../src/core/config/kinds.ts'

type Schema = Readonly<Record<string, unknown>>
type Fields = NonNullable<Form['fields']>

const docs = readDocumentation('AuthConfig')
const storeDocs = readDocumentation('RedisStoreOptions')

const anyOf = (...schemas: Schema[]): Schema => ({ anyOf: schemas })
const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` })
const REFERENCE = ref('reference')
const SCALAR: Schema = { type: ['number', 'boolean'] }

/** A pattern that ignores case. JSON Schema has no flag for that. */
const anyCase = (pattern: string): string =>
  pattern.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
const oneOfNames = (names: readonly string[]): string => `^(?:${names.map(anyCase).join('|')})$`

const TOKEN = "^[\\w!#$%&'*+.^`|~-]+$"
const OWN_HEADERS =
  'accept connection content-encoding content-length content-type expect host keep-alive te trailer transfer-encoding upgrade'
const NOT_BY_NAME = ['authorization', 'cookie', 'sec-websocket-protocol']
const LOOPBACK = `${anyCase('http')}://(?:${anyCase('localhost')}|127(?:\\.\\d{1,3}){3}|\\[::1\\])(?::\\d{1,5})?(?:[/?]|$)`
const PATH_CHARACTERS =
  "(?:[!$&'()+,./0-9:;=@A-Z\\[\\]_a-z|~-]|%(?!2[dDeE]|3\\d|[46][1-9a-fA-F]|[57][\\daA]|5[fF]|7[eE]|2[fF]|5[cC]|00|25[\\da-fA-F]{2}))*"

const text = (): Schema => anyOf({ type: 'string', minLength: 1 }, REFERENCE)
const texts = (): Schema => anyOf(text(), { type: 'array', items: text(), minItems: 1 })

/** The schema of each kind of option. Any other kind is a string. */
const KINDS: Readonly<Record<string, (form: Form, path: string) => Schema>> = {
  boolean: () => anyOf({ type: 'boolean' }, REFERENCE),
  integer: (form) => anyOf({ type: 'integer', ...rangeOf(form) }, REFERENCE),
  milliseconds: (form) => anyOf({ type: 'number', ...rangeOf(form) }, REFERENCE),
  ratio: () => anyOf({ type: 'number', exclusiveMinimum: 0, maximum: 1 }, REFERENCE),
  choice: ({ choices }) => anyOf({ enum: choices }, REFERENCE),
  group: (form, path) => {
    const object = objectOf(form.fields ?? {}, path)
    return form.canBeFalse ? anyOf({ const: false }, REFERENCE, object) : object
  },
  text: (form) => (form.items === undefined ? text() : texts()),
  secrets: () => {
    const secret = anyOf({ type: 'string', minLength: 1 }, REFERENCE)
    return anyOf(secret, { type: 'array', items: secret, minItems: 1, maxItems: 3 })
  },
  texts: () => texts(),
  claimPath: (form) => (form.items === undefined ? text() : texts()),
  attributes: () => ({ type: 'object', additionalProperties: text() }),
  attributeHeaders: () => ({
    type: 'object',
    propertyNames: { pattern: TOKEN },
    additionalProperties: text(),
  }),
  networks: () => ({ type: 'array', items: text(), minItems: 1 }),
  apiKeys: () => ({ type: 'array', items: text(), minItems: 1 }),
  tenant: () => anyOf({ type: 'string', pattern: '^[a-z\\d][a-z\\d_-]{0,127}$' }, REFERENCE),
  header: () => ref('name'),
  headers: () => anyOf({ const: 'all' }, REFERENCE, { type: 'array', items: ref('name') }),
  endpoint: () =>
    anyOf(
      {
        type: 'string',
        pattern: `^${anyCase('http')}[sS]?://[^\\x00-\\x20\\x7f/\\\\?#@][^\\x00-\\x20\\x7f\\\\#]*$`,
        not: anyOf({ pattern: '^[^/]*//[^/?#]*@' }, ref('wrongReference')),
      },
      REFERENCE,
    ),
  endpointHeaders: () => ({
    type: 'object',
    propertyNames: { pattern: TOKEN, not: { pattern: oneOfNames(OWN_HEADERS.split(' ')) } },
    additionalProperties: anyOf(
      {
        type: 'string',
        pattern: '^[\\x21-\\x7e](?:[\\x20-\\x7e]*[\\x21-\\x7e])?$',
        not: ref('wrongReference'),
      },
      SCALAR,
    ),
  }),
  credentials: () => {
    const list = { type: 'array', items: ref('source'), minItems: 1, uniqueItems: true }
    return anyOf(ref('source'), list)
  },
  public: () => ({
    type: 'array',
    items: anyOf(ref('publicPath'), {
      type: 'object',
      properties: {
        path: ref('publicPath'),
        methods: {
          type: 'array',
          minItems: 1,
          items: anyOf({ type: 'string', pattern: "^[0-9A-Z_!#$%&'*+.^`|~-]+$" }, REFERENCE, {
            type: 'integer',
          }),
        },
      },
      additionalProperties: false,
      required: ['path'],
    }),
  }),
  tenant: () =>
    anyOf(
      { type: 'string', pattern: '^(?:[a-z0-9][a-z0-9_-]{0,127})?$', not: ref('wrongReference') },
      REFERENCE,
      { type: 'integer', minimum: 0 },
    ),
  realm: () =>
    anyOf({ type: 'string', pattern: '^[\\x20-\\x7e]+$', not: ref('wrongReference') }, SCALAR),
  requestIdHeader: () => {
    const never = oneOfNames([...NOT_BY_NAME, 'proxy-authorization'])
    return anyOf(
      { const: false },
      { type: 'string', pattern: TOKEN, not: { pattern: never } },
      REFERENCE,
    )
  },
}

function rangeOf({ min, max }: Form): Schema {
  return { minimum: min, maximum: max }
}

function objectOf(fields: Fields, parent: string): Schema {
  return { type: 'object', properties: propertiesOf(fields, parent), additionalProperties: false }
}

function propertiesOf(fields: Fields, parent: string): Schema {
  const known = Object.entries(fields).filter(([, { form }]) => form.kind !== 'function')
  return Object.fromEntries(
    known.map(([name, { form }]) => [keyOf(name), schemaOf(form, `${parent}${name}`)]),
  )
}

function schemaOf(form: Form, path: string): Schema {
  const inStore = path.startsWith('store.') ? storeDocs.get(path.slice('store.'.length)) : undefined
  const description = (inStore ?? docs.get(path))?.text.replace(/`(\w+)(\.\w+)?`/g, keyOf)
  const isGroup = form.kind === 'group' && form.canBeFalse !== true
  return {
    ...(description === undefined ? {} : { description }),
    ...(isGroup || !('default' in form) ? {} : { default: defaultOf(form) }),
    ...KINDS[form.kind]?.(form, `${path}.`),
  }
}

/** The default of an option. For a group, the defaults of its options. */
export function defaultOf({ kind, fields = {}, default: own }: Form): unknown {
  if (kind !== 'group' || own === false) return own
  return Object.fromEntries(
    Object.entries(fields).map(([name, { form }]) => [keyOf(name), defaultOf(form)]),
  )
}

const secure = (condition: Schema): Schema => ({
  if: condition,
  then: {
    properties: {
      endpoint: ref('secureEndpoint'),
      provider_config: { properties: { endpoint: ref('secureEndpoint') } },
    },
  },
})

const TYPE = anyOf({ enum: [...PROVIDER_TYPES.keys()] }, REFERENCE)
/** What a provider of each type must have. */
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
  const given = Object.entries(propertiesOf(fields, 'provider.'))
  const properties = given.map(([key, schema]) => [key, anyOf({ type: 'null' }, schema as Schema)])
  return {
    type: 'object',
    properties: { type: true, ...Object.fromEntries(properties) },
    additionalProperties: false,
    ...NEEDED[name],
  }
}

const typeNames = [...PROVIDER_TYPES.keys()].map(String)
const isOf = (key: string, name: string): Schema => ({
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
const olderSchemas = (): readonly Schema[] =>
  typeNames.map((name) => ({
    if: isOf('provider_type', name),
    then: { properties: { config: ref(name) } },
  }))

function decidersSchema(): Readonly<Record<(typeof DECIDER_KEYS)[number], Schema>> {
  return {
    provider_config: ref('provider'),
    providers: {
      description: 'Several providers. The first that accepts a token decides.',
      type: 'array',
      items: ref('provider'),
      minItems: 1,
    },
    fall_through: {
      description: 'Asks the next of `providers` after a denial and after an outage.',
      default: false,
      ...schemaOf(FALL_THROUGH.form, 'provider.fallThrough'),
    },
    provider_type: { description: 'The older form of `provider_config.type`.', ...TYPE },
    config: {
      description: 'The older form of the other keys of `provider_config`.',
      type: 'object',
    },
  }
}

function authSchema(): Schema {
  const { endpoint, ...others } = propertiesOf(FILE_OPTIONS, '')
  const insecure = anyOf({ const: true }, { type: 'string' })
  const isEndpoint = anyOf({ required: ['endpoint'] }, isOf('provider_type', 'custom'), {
    required: ['provider_config'],
    properties: { provider_config: isOf('type', 'custom') },
  })
  return {
    description: 'An auth endpoint or a provider decides which requests reach the server.',
    type: 'object',
    properties: { endpoint, ...decidersSchema(), ...others },
    additionalProperties: false,
    oneOf: [
      { required: ['endpoint'] },
      { required: ['provider_config'] },
      { required: ['providers'] },
      { required: ['provider_type', 'config'] },
    ],
    allOf: [
      {
        if: {
          required: ['cache'],
          properties: { cache: { type: 'object' } },
          ...isEndpoint,
        },
        then: {
          required: ['context'],
          properties: {
            context: { required: ['headers'], properties: { headers: { type: 'array' } } },
          },
        },
      },
      secure({
        not: { required: ['allow_insecure_http'], properties: { allow_insecure_http: insecure } },
      }),
      ...olderSchemas(),
    ],
  }
}

function pathSchema(end: string): Schema {
  const hidden = '//|/;|/\\.{1,2}(?:/|;|%3[bB]|$)'
  return { type: 'string', pattern: `^/${PATH_CHARACTERS}${end}$`, not: { pattern: hidden } }
}

function tenancySchema(): Schema {
  const object = objectOf(TENANCY_FIELDS, 'tenancy.')
  return { description: "The tenant of each caller, in OGX's place for `tenant`.", ...object }
}

/** `schema.json`: the table of options as JSON Schema. */
export function createSchema(): Schema {
  const notByName = { type: 'string', pattern: oneOfNames(NOT_BY_NAME) }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'run.yaml of a Llama Stack server, as with-auth/yaml reads it',
    description: 'Only server.auth and server.tenancy are read; the rest is ignored.',
    type: 'object',
    required: ['server'],
    properties: {
      server: {
        type: 'object',
        required: ['auth'],
        properties: { auth: ref('auth'), tenancy: tenancySchema() },
      },
    },
    $defs: {
      auth: authSchema(),
      provider: providerSchema(),
      ...Object.fromEntries(typeNames.map((name) => [name, ofType(name)])),
      secureEndpoint: anyOf(
        { type: 'string', pattern: `^(?:${anyCase('https')}://|${LOOPBACK})` },
        REFERENCE,
      ),
      source: anyOf({ const: 'bearer' }, REFERENCE, {
        type: 'object',
        properties: {
          header: anyOf({ allOf: [ref('name'), { not: notByName }] }, REFERENCE),
          cookie: ref('name'),
          web_socket_protocol: ref('name'),
        },
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 1,
      }),
      name: {
        description: 'The name of a header or cookie.',
        ...anyOf({ type: 'string', pattern: TOKEN }, SCALAR, REFERENCE),
      },
      publicPath: anyOf(pathSchema(''), pathSchema('/\\*'), REFERENCE),
      reference: {
        description: 'A value from the environment.',
        type: 'string',
        pattern: '\\$\\{env\\.[A-Z0-9_]+(?::[=+][^}]*)?\\}',
        not: ref('wrongReference'),
      },
      wrongReference: {
        description: 'A text with ${ that does not begin a reference to the environment.',
        type: 'string',
        pattern: '\\$\\{(?!env\\.[A-Z0-9_]+(?::[=+](?:(?!\\$\\{)[^}])*)?\\})',
      },
    },
  }
}

/** JSON in the style of this project's formatter: a list of plain values is one line if it fits. */
export function formatJson(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const parts = Array.isArray(value)
    ? value.map((item) => formatJson(item, `${indent}  `))
    : Object.entries(value).map(
        ([key, item]) => `${JSON.stringify(key)}: ${formatJson(item, `${indent}  `)}`,
      )
  const isPlain = Array.isArray(value) && value.every((item) => typeof item !== 'object')
  if (isPlain || parts.length === 0) return `${open}${parts.join(', ')}${close}`
  return `${open}\n${parts.map((part) => `${indent}  ${part}`).join(',\n')}\n${indent}${close}`
}
