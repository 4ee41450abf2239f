import { keyOf } from '../../src/yaml/values.ts'
import { ALGORITHMS } from '../../src/jwt/options.ts'
import { readDocumentation } from './documented-types.ts'
import type { Form } from './option-kinds.ts'

/** The JSON Schema of each kind of option, for `schema.json`. */
export type Schema = Readonly<Record<string, unknown>>
type Fields = NonNullable<Form['fields']>

const docs = readDocumentation('AuthConfig')
/** The sections of a file for values that code makes with a function. */
const SECTIONS: Readonly<Record<string, string>> = {
  cache:
    'Remembers decisions. Needs `context.headers` as a list: the cache key is what the endpoint gets.',
  resource:
    'The metadata of this server as a protected resource (RFC 9728), which MCP clients need to log in.',
  store:
    'Tells all instances of a revocation within a second, by way of Redis or Valkey. Needs `cache`.',
  tenant:
    'Requires a tenant of every caller, or gives every caller the same one. Without it a tenant is passed on as it is.',
  tenantField:
    "The path of the tenant in the body of the endpoint's 200: names with dots between them. `\\.` is a dot within a name.",
}
const VALUES = [
  ['cache.', readDocumentation('MemoryCacheOptions')],
  ['resource.', readDocumentation('ResourceConfig')],
  ['store.', readDocumentation('RedisStoreOptions')],
  ['tenant.', readDocumentation('TenancyOptions')],
] as const

export const anyOf = (...schemas: Schema[]): Schema => ({ anyOf: schemas })
export const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` })
export const REFERENCE = ref('reference')
export const SCALAR: Schema = { type: ['number', 'boolean'] }

/** A pattern that ignores case. JSON Schema has no flag for that. */
export const anyCase = (pattern: string): string =>
  pattern.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
export const oneOfNames = (names: readonly string[]): string =>
  `^(?:${names.map(anyCase).join('|')})$`

export const TOKEN = "^[\\w!#$%&'*+.^`|~-]+$"
const OWN_HEADERS =
  'accept connection content-encoding content-length content-type expect host keep-alive te trailer transfer-encoding upgrade'
export const NOT_BY_NAME = ['authorization', 'cookie', 'sec-websocket-protocol']
export const LOOPBACK = `${anyCase('http')}://(?:${anyCase('localhost')}|127(?:\\.\\d{1,3}){3}|\\[::1\\])(?::\\d{1,5})?(?:[/?]|$)`
export const PATH_CHARACTERS =
  "(?:[!$&'()+,./0-9:;=@A-Z\\[\\]_a-z|~-]|%(?!2[dDeE]|3\\d|[46][1-9a-fA-F]|[57][\\daA]|5[fF]|7[eE]|2[fF]|5[cC]|00|25[\\da-fA-F]{2}))*"

/** A text without a `${` that begins no reference. */
const plain = (more: Schema): Schema => ({ type: 'string', ...more, not: ref('wrongReference') })
/** A text as the form has it, a number or boolean that stands for its text, or a reference. */
const textLike = (more: Schema): Schema => anyOf(plain(more), SCALAR, REFERENCE)
const text = (): Schema => anyOf(plain({ minLength: 1 }), SCALAR)
const matching = ({ pattern }: Form): Schema => textLike({ pattern: pattern?.source })
export const CHALLENGE = anyCase('(?:scope|error|resource_metadata)=')
/** The attribute for each path of a claim. `#keys` alone is no path. */
const CLAIMS: Schema = { minLength: 1, not: { const: '#keys' } }
const NOT_FOR_IDENTITY = [...NOT_BY_NAME, 'proxy-authorization']
const texts = (): Schema => oneOrMore(text())
const oneOrMore = (item: Schema): Schema => anyOf(item, { type: 'array', items: item, minItems: 1 })
const methods = (): Schema => ({
  type: 'array',
  minItems: 1,
  items: anyOf({ type: 'string', pattern: "^[0-9A-Z_!#$%&'*+.^`|~-]+$" }, REFERENCE, {
    type: 'number',
  }),
})
const attributeForm = (more: Schema): Schema => ({
  type: 'object',
  properties: { attribute: text(), ...more },
  required: ['attribute', ...Object.keys(more)],
  additionalProperties: false,
})
/** A URL without user, password and fragment. */
export const url = (query = ''): Schema =>
  anyOf(
    {
      type: 'string',
      pattern: `^${anyCase('http')}[sS]?://[^\\x00-\\x20\\x7f/\\\\?#@][^\\x00-\\x20\\x7f\\\\#${query}]*$`,
      not: anyOf({ pattern: '^[^/]*//[^/?#]*@' }, ref('wrongReference')),
    },
    REFERENCE,
  )
/** One that is https, or http on this machine. */
const secureUrl = (query?: string): Schema => ({ allOf: [url(query), ref('secureEndpoint')] })

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

/** The schema of each kind of option. Any other kind is a string. */
const KINDS: Readonly<Record<string, (form: Form, path: string) => Schema>> = {
  boolean: () => anyOf({ type: 'boolean' }, REFERENCE),
  integer: (form) => anyOf({ type: 'integer', ...rangeOf(form) }, REFERENCE),
  milliseconds: (form) => anyOf({ type: 'number', ...rangeOf(form) }, REFERENCE),
  choice: ({ choices }) => anyOf({ enum: choices }, REFERENCE),
  group: (form, path) => {
    const object = { ...objectOf(form.fields ?? {}, path), ...RULES[path] }
    return form.canBeFalse ? anyOf({ const: false }, REFERENCE, object) : object
  },
  text: (form) => (form.items === undefined ? text() : texts()),
  anyText: () => textLike({}),
  matching,
  secrets: () => {
    // At least 32 bytes, which are 8 characters or more.
    const secret = anyOf(
      plain({ pattern: '^[\\x00-\\x7f]{32,}$' }),
      plain({ minLength: 8, pattern: '[^\\x00-\\x7f]' }),
      { type: 'number' },
      REFERENCE,
    )
    return anyOf(secret, { type: 'array', items: secret, minItems: 1, maxItems: 3 })
  },
  proxySecrets: ({ pattern }) =>
    oneOrMore(anyOf(plain({ pattern: pattern?.source }), { type: 'number' }, REFERENCE)),
  storeUrl: () =>
    anyOf(plain({ pattern: '^rediss?://[^/\\s?#]+(?:/\\d*)?(?:[?#].*)?$' }), REFERENCE),
  texts: () => ({ type: 'array', items: text(), minItems: 1 }),
  names: () => ({ type: 'array', items: text() }),
  algorithms: () => ({
    type: 'array',
    items: anyOf({ enum: ALGORITHMS }, REFERENCE),
    minItems: 1,
  }),
  true: () => anyOf({ const: true }, REFERENCE),
  resource: () => ({
    allOf: [secureUrl(), { not: { type: 'string', pattern: `"|${CHALLENGE}` } }],
  }),
  issuers: () => ({ type: 'array', items: secureUrl('?'), minItems: 1 }),
  url: () => anyOf({ const: '' }, url()),
  baseUrl: () => url('?'),
  scopes: () => ({ type: 'array', items: ref('scope'), minItems: 1 }),
  routePolicy: ({ items }) => ({ type: 'array', items: items && schemaOf(items, '') }),
  routeRule: ({ fields = {} }) => ({
    ...objectOf(fields, 'rule.'),
    oneOf: [{ required: ['permit'] }, { required: ['forbid'] }],
    not: { required: ['when', 'unless'] },
  }),
  routeScope: () => ref('routeScope'),
  patterns: () => oneOrMore(ref('pathPattern')),
  conditions: () => oneOrMore(ref('condition')),
  methods,
  claimPath: () => ({ ...text(), not: { const: '#keys' } }),
  attributes: () => ({
    type: 'object',
    propertyNames: CLAIMS,
    additionalProperties: text(),
  }),
  attributeHeaders: () => ({
    type: 'object',
    propertyNames: { pattern: TOKEN, not: { pattern: oneOfNames(NOT_FOR_IDENTITY) } },
    additionalProperties: anyOf(
      text(),
      attributeForm({ separator: textLike({ minLength: 1, maxLength: 8, pattern: '^[ -~]*$' }) }),
      attributeForm({ json: anyOf({ const: true }, REFERENCE) }),
    ),
  }),
  networks: () => ({
    type: 'array',
    // An address, or a network that is not every one.
    items: anyOf(
      plain({ pattern: '^[\\da-fA-F.:]*[.:][\\da-fA-F.:]*(?:/[1-9]\\d{0,2})?$' }),
      REFERENCE,
    ),
    minItems: 1,
  }),
  apiKeys: ({ items }) => ({
    type: 'array',
    items: items && matching(items),
    minItems: 1,
    uniqueItems: true,
  }),
  header: () => ref('name'),
  identityHeader: () => ({
    allOf: [ref('name'), { not: { type: 'string', pattern: oneOfNames(NOT_FOR_IDENTITY) } }],
  }),
  headers: () => anyOf({ const: 'all' }, REFERENCE, { type: 'array', items: ref('name') }),
  endpoint: () => url(),
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
  sources: () => {
    const list = { type: 'array', items: ref('source'), minItems: 1, uniqueItems: true }
    return anyOf(ref('source'), list)
  },
  public: () => ({
    type: 'array',
    items: anyOf(ref('publicPath'), {
      type: 'object',
      properties: {
        path: ref('publicPath'),
        methods: methods(),
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
      { type: 'boolean' },
    ),
  realm: () => {
    const shown = {
      pattern: '^[\\x20-\\x7e]+$',
      not: anyOf({ pattern: CHALLENGE }, ref('wrongReference')),
    }
    return anyOf({ type: 'string', ...shown }, SCALAR)
  },
  requestIdHeader: () => {
    const never = oneOfNames(NOT_FOR_IDENTITY)
    return anyOf(
      { const: false },
      { type: 'string', pattern: TOKEN, not: { pattern: never } },
      REFERENCE,
    )
  },
}

const isSingle = { required: ['mode'], properties: { mode: { const: 'single' } } }
/** `single` gives a tenant to every caller, so it needs one. */
export const singleNeeds = (key: string): Schema => ({
  if: isSingle,
  then: { required: [key], properties: { [key]: { not: { enum: ['', null] } } } },
})
const sharing = { properties: { share_verdicts: { const: true } }, required: ['share_verdicts'] }
const notSharing = { properties: { share_verdicts: { const: false } } }
const plainStore = { properties: { url: { type: 'string', pattern: '^redis://' } } }
const withoutClient = { properties: { client: { const: 'none' } } }
const NO_CLIENT = Object.fromEntries(
  ['client_id', 'client_secret', 'send_secret_in_body'].map((key) => [key, { type: 'null' }]),
)
/** Rules about the options of a group. */
const RULES: Readonly<Record<string, Schema>> = {
  'resource.': { required: ['identifier', 'authorization_servers'] },
  'tenant.': singleNeeds('default'),
  'provider.introspection.': {
    allOf: [given('url')],
    if: given('client'),
    then: { if: withoutClient, then: { properties: NO_CLIENT } },
    else: { allOf: ['client_id', 'client_secret'].map(given) },
  },
  'store.': {
    required: ['url'],
    allOf: [
      { if: sharing, then: { required: ['secret'] } },
      { if: notSharing, then: { properties: { secret: false } } },
      { if: plainStore, then: { properties: { tls: false } } },
    ],
  },
}

function rangeOf({ min, max }: Form): Schema {
  return { minimum: min, maximum: max }
}

export function objectOf(fields: Fields, parent: string): Schema {
  return { type: 'object', properties: propertiesOf(fields, parent), additionalProperties: false }
}

export function propertiesOf(fields: Fields, parent: string): Schema {
  const known = Object.entries(fields).filter(([, { form }]) => form.kind !== 'function')
  const isProvider = parent.startsWith('provider.')
  return Object.fromEntries(
    known.map(([name, { form }]) => {
      const schema = schemaOf(form, `${parent}${name}`)
      return [keyOf(name), isProvider ? orNull(schema) : schema]
    }),
  )
}

function documentationAt(path: string) {
  const [section, value] = VALUES.find(([prefix]) => path.startsWith(prefix)) ?? ['', docs]
  return value.get(path.slice(section.length))
}

export function schemaOf(form: Form, path: string): Schema {
  const described = SECTIONS[path] ?? documentationAt(path)?.text
  const description = described?.replace(/`(\w+)(\.\w+)?`/g, keyOf)
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
