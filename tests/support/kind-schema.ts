import { keyOf } from '../../src/yaml/setting.ts'
import { readDocumentation } from './documented-types.ts'
import type { Form } from '../../src/core/config/kinds.ts'

/** The JSON Schema of each kind of option, for `schema.json`. */
export type Schema = Readonly<Record<string, unknown>>
type Fields = NonNullable<Form['fields']>

const docs = readDocumentation('AuthConfig')
const storeDocs = readDocumentation('RedisStoreOptions')

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

const text = (): Schema => anyOf({ type: 'string', minLength: 1 }, SCALAR, REFERENCE)
const texts = (): Schema => oneOrMore(text())
const oneOrMore = (item: Schema): Schema => anyOf(item, { type: 'array', items: item, minItems: 1 })
const methods = (): Schema => ({
  type: 'array',
  minItems: 1,
  items: anyOf({ type: 'string', pattern: "^[0-9A-Z_!#$%&'*+.^`|~-]+$" }, REFERENCE, {
    type: 'integer',
  }),
})
/** A URL that is https, or http on this machine. */
const secureUrl = (): Schema =>
  anyOf({ type: 'string', pattern: `^(?:https://|${LOOPBACK})[^"\\\\#@\\s]*$` }, REFERENCE)

/** The schema of each kind of option. Any other kind is a string. */
const KINDS: Readonly<Record<string, (form: Form, path: string) => Schema>> = {
  boolean: () => anyOf({ type: 'boolean' }, REFERENCE),
  integer: (form) => anyOf({ type: 'integer', ...rangeOf(form) }, REFERENCE),
  milliseconds: (form) => anyOf({ type: 'number', ...rangeOf(form) }, REFERENCE),
  ratio: () => anyOf({ type: 'number', exclusiveMinimum: 0, maximum: 1 }, REFERENCE),
  choice: ({ choices }) => anyOf({ enum: choices }, REFERENCE),
  group: (form, path) => {
    const required = path === 'resource.' ? ['identifier', 'authorization_servers'] : undefined
    const object = { ...objectOf(form.fields ?? {}, path), ...(required && { required }) }
    return form.canBeFalse ? anyOf({ const: false }, REFERENCE, object) : object
  },
  text: (form) => (form.items === undefined ? text() : texts()),
  secrets: () => {
    const secret = anyOf({ type: 'string', minLength: 1 }, REFERENCE)
    return anyOf(secret, { type: 'array', items: secret, minItems: 1, maxItems: 3 })
  },
  texts: () => texts(),
  resource: secureUrl,
  issuers: () => ({ type: 'array', items: secureUrl(), minItems: 1 }),
  url: secureUrl,
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
  claimPath: (form) => (form.items === undefined ? text() : texts()),
  attributes: () => ({ type: 'object', additionalProperties: text() }),
  attributeHeaders: () => ({
    type: 'object',
    propertyNames: { pattern: TOKEN },
    additionalProperties: text(),
  }),
  networks: () => ({ type: 'array', items: text(), minItems: 1 }),
  apiKeys: () => ({ type: 'array', items: text(), minItems: 1 }),
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

export function objectOf(fields: Fields, parent: string): Schema {
  return { type: 'object', properties: propertiesOf(fields, parent), additionalProperties: false }
}

export function propertiesOf(fields: Fields, parent: string): Schema {
  const known = Object.entries(fields).filter(([, { form }]) => form.kind !== 'function')
  return Object.fromEntries(
    known.map(([name, { form }]) => [keyOf(name), schemaOf(form, `${parent}${name}`)]),
  )
}

export function schemaOf(form: Form, path: string): Schema {
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
