import { kindsOf } from './option-kinds.ts'
import { SCOPE_FIELDS } from '../../src/access/rules.ts'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import {
  anyCase,
  anyOf,
  CHALLENGE,
  given,
  LOOPBACK,
  NOT_BY_NAME,
  objectOf,
  oneOfNames,
  orNull,
  PATH_CHARACTERS,
  propertiesOf,
  ref,
  REFERENCE,
  SCALAR,
  TOKEN,
} from './kind-schema.ts'
import {
  decidersSchema,
  isOf,
  olderSchemas,
  providerDefinitions,
  tenancySchema,
  tenantGivers,
} from './provider-schema.ts'
import type { Schema } from './kind-schema.ts'

const secure = (condition: Schema): Schema => ({
  if: condition,
  then: {
    properties: {
      endpoint: ref('secureEndpoint'),
      provider_config: ref('secureProvider'),
      providers: { items: ref('secureProvider') },
      config: ref('secureProvider'),
    },
  },
})

const isObject = (key: string): Schema => ({
  required: [key],
  properties: { [key]: { type: 'object' } },
})
const BEARER = anyOf({ const: 'bearer' }, REFERENCE, {
  type: 'array',
  contains: anyOf({ const: 'bearer' }, REFERENCE),
})
const inMode = (key: string, ...modes: string[]): Schema => ({
  required: [key],
  properties: {
    [key]: { required: ['mode'], properties: { mode: { enum: modes } }, type: 'object' },
  },
})

/** A provider must not say the same again. */
const onlyHere = (key: string): Schema => {
  const other = { not: { type: 'object', ...given(key) } }
  return {
    if: { required: [key] },
    then: { properties: { provider_config: other, config: other } },
  }
}

function authSchema(): Schema {
  const { endpoint, ...others } = propertiesOf(kindsOf(FILE_OPTIONS), '')
  const insecure = anyOf({ const: true }, { type: 'string' })
  const isEndpoint = anyOf(given('endpoint'), isOf('provider_type', 'custom'), {
    required: ['provider_config'],
    properties: { provider_config: isOf('type', 'custom') },
  })
  const isOlder = anyOf(given('provider_type'), given('config'))
  const isUpstream = anyOf(isOf('provider_type', 'upstream_header'), {
    required: ['provider_config'],
    properties: { provider_config: isOf('type', 'upstream_header') },
  })
  return {
    description: 'An auth endpoint or a provider decides which requests reach the server.',
    type: 'object',
    properties: { endpoint: orNull(Object(endpoint) as Schema), ...decidersSchema(), ...others },
    additionalProperties: false,
    oneOf: [given('endpoint'), given('provider_config'), given('providers'), isOlder],
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
      // Only an auth endpoint gets these.
      {
        if: { not: isEndpoint },
        then: { properties: { endpoint_headers: false, tenant_field: false } },
      },
      ...['endpoint_headers', 'tenant_field'].map(onlyHere),
      { if: given('fall_through'), then: given('providers') },
      // It decides these itself.
      {
        if: isUpstream,
        then: { properties: { credentials: false, context: false } },
      },
      { if: given('store'), then: isObject('cache') },
      // Only a bearer token has a scheme that a challenge can name.
      { if: isObject('resource'), then: { properties: { credentials: BEARER }, not: isUpstream } },
      { if: isOlder, then: { allOf: [given('provider_type'), given('config')] } },
      ...olderSchemas(),
    ],
  }
}

function pathSchema(end: string): Schema {
  const hidden = '//|/;|/\\.{1,2}(?:/|;|%3[bB]|$)'
  return { type: 'string', pattern: `^/${PATH_CHARACTERS}${end}$`, not: { pattern: hidden } }
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
        allOf: [
          {
            if: inMode('tenancy', 'single', 'multi'),
            then: { properties: { auth: { properties: { tenant: false } } } },
          },
          {
            if: anyOf(inMode('tenancy', 'multi'), {
              properties: { auth: { type: 'object', ...inMode('tenant', 'multi') } },
            }),
            then: { properties: { auth: tenantGivers() } },
          },
        ],
      },
    },
    $defs: {
      auth: authSchema(),
      ...providerDefinitions(),
      secureEndpoint: anyOf(
        { type: 'null' },
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
      routeScope: { ...objectOf(kindsOf(SCOPE_FIELDS), 'rule.'), required: ['paths'] },
      pathPattern: anyOf(
        {
          description:
            'An exact path, /prefix*, * for every path, or regex: with a regular expression.',
          type: 'string',
          pattern:
            '^(?:\\*|/|(?![\\s\\S]*/\\.\\.?(?:/|$))/[^*%?#\\\\]*(?:\\*|[^*%?#\\\\/])|regex:[\\s\\S]+)$',
          not: ref('wrongReference'),
        },
        REFERENCE,
      ),
      condition: anyOf(
        {
          type: 'string',
          pattern: '^\\s*user\\s+with\\s+\\S+\\s+(?:not\\s+)?in\\s+\\S+\\s*$',
          not: ref('wrongReference'),
        },
        REFERENCE,
      ),
      scope: anyOf(
        {
          type: 'string',
          pattern: '^(?!offline_access$)[\\x21\\x23-\\x5b\\x5d-\\x7e]+$',
          not: anyOf({ pattern: CHALLENGE }, ref('wrongReference')),
        },
        SCALAR,
        REFERENCE,
      ),
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

const MOST_COLUMNS = 100

/**
 * JSON in the style of this project's formatter: a list of plain values is one line if it fits.
 *
 * @param key Stands before the value, in the same line.
 */
export function formatJson(value: unknown, indent = '', key = ''): string {
  if (typeof value !== 'object' || value === null) return key + JSON.stringify(value)
  const isList = Array.isArray(value)
  const parts = Object.entries(value).map(([name, item]: [string, unknown]) =>
    formatJson(item, `${indent}  `, isList ? '' : `${JSON.stringify(name)}: `),
  )
  const [open, close] = isList ? '[]' : '{}'
  const line = `${key}${open}${parts.join(', ')}${close}`
  const isPlain = isList && value.every((item) => item === null || typeof item !== 'object')
  // A comma may follow.
  const fits = indent.length + line.length < MOST_COLUMNS
  if ((isPlain && fits) || parts.length === 0) return line
  return `${key}${open}\n${parts.map((part) => `${indent}  ${part}`).join(',\n')}\n${indent}${close}`
}
