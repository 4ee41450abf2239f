import { keyOf } from '../../src/yaml/values.ts'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { PROVIDER_TYPES } from '../../src/yaml/providers/types.ts'
import { TENANCY_FIELDS } from '../../src/yaml/providers/tenancy-section.ts'
import { kindsOf } from './option-kinds.ts'
import type { Fields } from './option-kinds.ts'

/** Files for a walk over every key with right and wrong values. `FOLDER` has the files `ca.pem`, `token` and `keys.yaml`. */

export type Path = readonly (string | number)[]
type Part = Readonly<Record<string | number, unknown>>

const SECRET = '0123456789abcdef'
const LONG = SECRET.repeat(3)
const URLS = [
  'https://h.example/',
  'HTTPS://H/',
  'https://h.example/a?b',
  'https://h/#f',
  'https://u:p@h/',
  'https://h/a"b',
  'https://h/ b',
  'https://h:99999/',
  'https://h/scope=',
  String.raw`https://h\x`,
  'http://h.example/',
  'http://localhost:3000/a',
  'http://127.0.0.1.nip.io/',
  'ftp://h/',
  'redis://h',
  'redis://h/a',
  'rediss://u:p@h/1',
]
const WORDS =
  'x X a.b é a"b 5 true host cookie Authorization x-a x_a #keys x:y a= acme -a scope=a offline_access bearer all lists multi single required visible-ascii allow shadow id RS256 HS256 custom kubernetes / /a /a* /a/* /* * /a/../b /%41 /a;b regex:/a regex:( GET get 10.0.0.1 10.0.0.0/8 fd00::/8 0.0.0.0/0 10.0.0.300 short FOLDER/ca.pem ${X} ${env.x} ${env.X:d}'.split(
    ' ',
  )
const TEXTS = [
  ...WORDS,
  ...URLS,
  '',
  ' ',
  'a b',
  'user with a in b',
  ' user  with a not in b\n',
  'user is a',
  SECRET,
  `${SECRET} `,
  LONG,
  'a'.repeat(65),
  'a'.repeat(129),
  'a'.repeat(1025),
  'é'.repeat(16),
]
const NUMBERS = [0, 1, -1, 1.5, 0.5, 5, 60, 300, 401, 503, 1000, 86_400, 1e6, 2 ** 31]
const SCALARS = [null, true, false, ...NUMBERS, ...TEXTS]
const MAPPINGS = [
  {},
  { x: 1 },
  { x: 'y' },
  { x: '' },
  { x: null },
  { x: [] },
  { 'a b': 'c' },
  { '': 'x' },
  { '#keys': 'x' },
  { host: 'x' },
  { 'X-A': 'b', x_a: 'c' },
  { 'x-a': 'b', 'X-A': 'c' },
  { cookie: 'x' },
  { header: 'x-a' },
  { header: 'cookie' },
  { header: 'x', cookie: 'y' },
  { path: '/a', methods: [] },
  { paths: ['/a', '/b*'], methods: ['GET'] },
  { permit: { paths: '/a' } },
  { forbid: { paths: '*' }, when: 'user with a in b' },
  { url: 'redis://h' },
  { uri: 'https://h/' },
  { type: 'local_api_key', api_keys: ['a'] },
  { type: 'upstream_header', principal_header: 'x-user', trusted_network: true },
  { mode: 'single' },
  { mode: 'single', default: 'a' },
  { mode: 'multi' },
]
const IN_LISTS = [
  null,
  true,
  5,
  1.5,
  '',
  ...WORDS.filter((_, index) => index % 2 === 1),

  'a"b',
  'scope=a',
  'offline_access',
  'bearer',
  'RS256',
  'HS256',
  '/a/*',
  '*',
  'GET',
  'regex:(',

  'a b',
  'user with a in b',
  'https://h.example/',
  'https://h.example/a?b',
  'http://h.example/',
  SECRET,
  LONG,
  { header: 'x-a' },
  ...MAPPINGS.slice(16, 24),
]
const LISTS = [
  [],
  [[]],
  ...IN_LISTS.map((item) => [item]),
  ['x', 'x'],
  ['x', 'y'],
  [5, '5'],
  [SECRET, SECRET],
  [SECRET, 'short'],
  [LONG, LONG],
  [LONG, `${LONG}1`, `${LONG}2`, `${LONG}3`],
  ['bearer', { header: 'x' }],
]

/** Whatever a key may have. `undefined` leaves it out. */
export const VALUES: readonly unknown[] = [undefined, ...SCALARS, ...MAPPINGS, ...LISTS]
/** For keys that another file is walked over, too. */
const FEW: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  '',
  'x',
  60,
  SECRET,
  'https://h/',
  'http://h.example/',
  'cookie',
  'FOLDER/ca.pem',
  '${env.NO}',
  ['x'],
  ['10.0.0.0/8'],
  {},
  { x: 'y' },
  { uri: 'https://h/' },
]

const ENDPOINT = 'https://h.example/v'
const ask = (auth: Part): Part => ({ auth: { endpoint: ENDPOINT, ...auth } })
const by = (type: string, keys: Part): Part => ({ auth: { provider_config: { type, ...keys } } })
const PROXY = { principal_header: 'x-user', trusted_proxy_secret: SECRET }
const CACHED = { context: { headers: [] }, cache: {} }
const URI = { jwks: { uri: 'https://a.example/' } }
const SHARED = { url: 'redis://h', share_verdicts: true, secret: LONG }

interface Walk {
  readonly server: Part
  readonly paths: readonly Path[]
  readonly values: readonly unknown[]
}

const walk = (server: Part, paths: readonly Path[], values = VALUES): Walk => ({
  server,
  paths,
  values,
})
const OPTION_GROUPS = { context: {}, retry: {}, circuit_breaker: {}, concurrency: {}, tenant: {} }
const DECIDERS = ['provider_config', 'providers', 'fall_through', 'provider_type', 'config', 'more']

/** Right files, each with the keys that the walk sets, and their values. */
export const WALKS: readonly Walk[] = [
  walk(ask(OPTION_GROUPS), [
    ...pathsOf(kindsOf(FILE_OPTIONS), OPTION_GROUPS, ['auth']),
    ...DECIDERS.map((name) => ['auth', name]),
    ['auth'],
    ['tenancy'],
  ]),
  walk(ask({ ...CACHED, store: SHARED }), groupPaths({ cache: {}, store: SHARED })),
  walk(
    ask({ ...CACHED, store: { url: 'rediss://h', tls: {} } }),
    groupPaths({ store: { tls: {} } }),
    FEW,
  ),
  ...[
    {
      resource: { identifier: 'https://a.example/', authorization_servers: ['https://b.example'] },
    },
    { route_policy: [{ permit: { paths: '/a' } }] },
    { public: [{ path: '/a' }] },
  ].map((auth) => walk(ask(auth), groupPaths(auth))),
  walk({ auth: { endpoint: ENDPOINT }, tenancy: { mode: 'single', default_tenant_id: 'a' } }, [
    ...pathsOf(kindsOf(TENANCY_FIELDS), {}, ['tenancy']),
    ['tenancy', 'more'],
  ]),
  provider('oauth2_token', { ...URI }),
  provider('oauth2_token', { issuer: 'https://a.example/', discovery: true }, FEW),
  provider('oauth2_token', {
    introspection: { url: 'https://a.example/', client_id: 'a', client_secret: 'b' },
  }),
  provider('github_token', { client_id: 'a', client_secret: 'b' }),
  provider('github_token', {}, FEW),
  provider('kubernetes', {}),
  provider('kubernetes', { audiences: 'a', reviewer_token_file: 'FOLDER/token' }, FEW),
  provider('upstream_header', { ...PROXY, trusted_proxy_secret_header: 'x-proof' }),
  provider('upstream_header', { ...PROXY, trusted_proxy_signature_header: 'x-proof' }, FEW),
  provider('upstream_header', { principal_header: 'x-user', trusted_proxy_cidrs: ['10.0.0.0/8'] }),
  provider('upstream_header', { principal_header: 'x-user', trusted_network: true }, FEW),
  provider('local_api_key', { api_keys: ['a'] }),
  provider('api_keys', { file: 'FOLDER/keys.yaml' }),
  provider('custom', { endpoint: ENDPOINT }),
  walk(
    { auth: { provider_type: 'oauth2_token', config: URI } },
    [
      ...pathsOf(kindsOf(PROVIDER_TYPES.get('oauth2_token')?.fields ?? {}), URI, [
        'auth',
        'config',
      ]),
      ...['type', 'more'].map((name) => ['auth', 'config', name]),
      ['auth', 'provider_type'],
    ],
    FEW,
  ),
  walk(
    {
      auth: {
        fall_through: true,
        providers: [
          { type: 'local_api_key', api_keys: ['a'] },
          { type: 'custom', endpoint: ENDPOINT },
        ],
      },
    },
    [
      ['auth', 'fall_through'],
      ['auth', 'providers'],
      ['auth', 'providers', 0],
      ['auth', 'providers', 1, 'endpoint'],
    ],
  ),
]

function provider(type: string, keys: Part, values = VALUES): Walk {
  const at = ['auth', 'provider_config']
  const { fields = {} } = PROVIDER_TYPES.get(type) ?? {}
  const more = [[...at, 'type'], [...at, 'more'], ['auth', 'allow_insecure_http'], ['tenancy']]
  return walk(by(type, keys), [...pathsOf(kindsOf(fields), keys, at), ...more], values)
}

/** The keys of groups and lists of options that a file has. */
function groupPaths(auth: Part): readonly Path[] {
  return pathsOf(kindsOf(FILE_OPTIONS), auth, ['auth']).filter(
    ([, name = '', inner]) => name in auth && inner !== undefined,
  )
}

/** The paths of all keys, also of those within a group or a list that is given. */
function pathsOf(fields: Fields, given: Part, parent: Path): readonly Path[] {
  return Object.entries(fields).flatMap(([name, { form }]) => {
    if (form.kind === 'function') return []
    const path = [...parent, keyOf(name)]
    const value = given[keyOf(name)]
    const [item]: readonly unknown[] = Array.isArray(value) ? value : []
    const inGroup = isPart(value) && form.fields ? pathsOf(form.fields, value, path) : []
    const inner = form.items?.fields
    const inList = isPart(item) && inner ? pathsOf(inner, item, [...path, 0]) : []
    return [path, ...inGroup, ...inList]
  })
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same file with another value at a path. */
export function withValue(at: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value
  if (Array.isArray(at)) {
    return at.map((item: unknown, index) => (index === first ? withValue(item, rest, value) : item))
  }
  const part = isPart(at) ? at : {}
  const next = withValue(part[first], rest, value)
  const { [first]: _, ...others } = part
  return next === undefined ? others : { ...others, [first]: next }
}
