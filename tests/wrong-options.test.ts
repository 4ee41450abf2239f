import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createGateway } from '../src/gateway.ts'
import { AuthConfigError, createAuthenticator, memoryCache } from '../src/index.ts'
import { jwt } from '../src/jwt.ts'
import { createKeyEndpoint, keys } from '../src/keys.ts'
import { nodeTransport } from '../src/node.ts'
import {
  defineVerifier,
  endpointVerifier,
  firstOf,
  fromUpstream,
  githubToken,
  introspection,
  kubernetesToken,
} from '../src/verifiers.ts'
import { SELF_SIGNED } from './support/self-signed-certificate.ts'
import { words } from './support/words.ts'
import type { Verifier } from '../src/index.ts'

/**
 * Wrong options that break a special rule of their function: the error names the option, and shows no secret. options.test.ts has the
 * rules that hold for every option, and docs/messages.md every sentence.
 */

const SECRET = 'hunter2-hunter2-hunter2'
const { cert, key } = SELF_SIGNED
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ANOTHER_KEY = privateKey.export({ type: 'pkcs8', format: 'pem' })
const ENCRYPTED = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'hunter2',
})
const NO_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'
const fail = (): never => {
  throw new Error(`hunter2 ${key}`)
}
const ADDRESS =
  'must be a function that returns the address of the client: context: { clientAddress: (request, ...args) => address }'
const HTTPS = 'must be an https URL (http only on loopback, or with "allowInsecureHttp")'
const LEFT_OUT = 'must be left out'
const deny: Verifier = () => ({ outcome: 'deny' })

/** Options, the option that is named, and a part of the message. */
type Row = readonly [given: unknown, option: string, text?: string]
type Make = (options: never) => unknown

const group = (name: string, make: Make, base: object, rows: readonly Row[]) =>
  [name, make, base, rows] as const

const app = { id: 'api', secret: SECRET }
const OPAQUE = introspection({ url: 'https://a.example/', client: 'none' })
const PICKY = introspection({ url: 'https://b.example/', client: app, accepts: () => false })
const LISTS = defineVerifier({ ask: deny, reads: { params: 'lists' } })
const ALL = defineVerifier({ ask: deny, reads: { headers: 'all' } })
const COOKIE = defineVerifier({ ask: deny, reads: { headers: ['x-a', 'cookie'] } })
const JWT = { issuer: 'https://login.example.com/', audience: 'my-api' }
const PROOF = { header: 'x-proxy-secret', secret: SECRET }
const SIGNED = { signature: 'x-sig', secret: SECRET }
const proof = (value: unknown, option = 'proof', text = ''): Row => [{ proof: value }, option, text]
const network = (address: unknown, text = 'an address', index = 0): Row => [
  { proof: { addresses: index === 0 ? [address] : ['::1', address] } },
  `proof.addresses[${index}]`,
  text,
]
const EVERY = 'for every network write "proof.network"'
const groups = (form: object): object => ({ 'x-groups': { attribute: 'teams', ...form } })
const EITHER = 'one of { file } and { text }, a string, or { store }'
const SECRET_FORM = 'must be 16 to 1024 visible ASCII characters'
const PEM = 'the content of a PEM file'
const PAIR = 'the private key of "nodeTransport.cert", not encrypted'
const RETURNING = 'a function that returns the content of a PEM file'
const hooked = Object.assign(() => ({ outcome: 'deny' }), { local: true })

const GROUPS = [
  group('withAuth', (options) => createAuthenticator(options), {}, [
    ['https://u:hunter2@a', 'config', 'received a string: { endpoint }'],
    [null, 'config', 'received null'],
    [{ endpoint: '' }, 'endpoint', 'must be an absolute https URL, received ""'],
    [{ verifier: 'https://a.example/' }, 'verifier', 'a function'],
    [{ cache: 'redis://user:hunter2@a/0' }, 'cache', 'received "***@a/0"'],
    [{ fetch: 'https://user:hunter2/@@a' }, 'fetch', 'received "***@a"'],
    [{ cache: '"redis://user:hunter2@a"' }, 'cache', 'received "***@a\\""'],
    [{ identity: 'ada@a.example' }, 'identity', 'received "ada@a.example"'],
    [{ identity: 'ada@a:1' }, 'identity', 'received "ada@a:1"'],
    [{ cache: 'user:hunter2@a:6379' }, 'cache', 'received "***@a:6379"'],
    [{ resource: 'https://a/?key=hunter2' }, 'resource', 'received "https://a/?***"'],
    [{ context: { headers: ['a', 5] } }, 'context.headers[1]', 'a header name, received 5'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole must not pass unseen
    [{ context: { headers: [, 'a'] } }, 'context.headers[0]', 'a header name'],
    [{ realm: 'a\r\nx: y' }, 'realm', 'a non-empty string of printable ASCII'],
    [{ realm: 'a, error=b' }, 'realm', 'printable ASCII, without'],
    [{ routePolicy: [{ permit: { paths: '*' } }] }, 'routePolicy', 'what "routePolicy()" of'],
    [{ context: { clientAddress: true } }, 'context.clientAddress', `${ADDRESS}, received true`],
    // Without a rule more callers would get in.
    ...['authorize', 'routePolicy'].map((rule): Row => [
      { endpoint: 'https://a.example/', [rule]: undefined },
      rule,
      'must be left out or given a value (is a variable not set?), received undefined',
    ]),
    ...[5, ''].map((id): Row => [
      { endpoint: 'https://a.example/', fetch: Object.assign(deny.bind(null), { id }) },
      'fetch.id',
      'must be a string that is not empty, received',
    ]),
  ]),
  group('memoryCache', (options) => memoryCache(options), {}, [
    ...['5m', null, () => ({})].map((given): Row => [given, 'options', 'must be an object, as']),
    ...[
      { url: 'redis://user:hunter2@a' },
      'redis://user:hunter2@a',
      { stamp: deny },
      { stop: deny },
    ].map((store): Row => [{ store }, 'store', 'must be a store, such as']),
  ]),
  group('defineVerifier', (options) => defineVerifier(options), {}, [
    ['hunter2', 'options', 'must be an object (its value is not shown)'],
    [{ ask: OPAQUE }, 'ask', 'must be a function, received an object of type Verifier'],
    [{ ask: deny, id: '' }, 'id', 'must be a string that is not empty, received ""'],
    [{ ask: deny, reads: 'x-a' }, 'reads', 'must be an object such as { headers: [] }'],
  ]),
  group('endpointVerifier', (options) => endpointVerifier(options), {}, [
    [{ endpoint: 'http://a.example/?k=hunter2' }, 'endpoint', `${HTTPS}, received "http:`],
  ]),
  group('firstOf', ({ of, ...options }: { of: Verifier[] }) => firstOf(of, options), {}, [
    [{ of: undefined }, 'verifiers', 'must be a non-empty list of verifiers'],
    [{ of: [] }, 'verifiers', 'must be a non-empty list of verifiers'],
    [{ of: OPAQUE }, 'verifiers', 'received an object of type Verifier'],
    [{ of: [PICKY, 'x'] }, 'verifiers[1]', 'a verifier that this copy of with-auth has made'],
    [{ of: [hooked] }, 'verifiers[0]', 'the function carries "local": defineVerifier({ ask'],
    [{ of: [OPAQUE, PICKY] }, 'verifiers[0]', 'must be the last one, or have "accepts"'],
    [{ of: [OPAQUE, PICKY], fallThrough: false }, 'verifiers[0]', 'must be the last one'],
    [{ of: [deny, LISTS], fallThrough: true }, 'verifiers', 'must be such that all read "params"'],
    [{ of: [ALL, COOKIE], fallThrough: true }, 'verifiers', 'must be such that none reads all'],
    [{ of: [OPAQUE], retry: 5 }, 'retry'],
  ]),
  group('jwt', (options) => jwt(options), JWT, [
    [undefined, 'options', 'must be an object'],
    [{ algorithms: ['RS256', 'HS256'] }, 'algorithms[1]', 'whoever can check such a token'],
    [{ algorithms: ['none'] }, 'algorithms[0]', 'received "none"'],
    [{ issuer: 'https://a.example/?a=b' }, 'issuer', 'to start discovery'],
    [{ issuer: 'http://a.example/' }, 'issuer', HTTPS],
    [{ jwksHeaders: { a: 'hunter2' } }, 'jwksHeaders', `${LEFT_OUT} without "jwksUri"`],
    [{ keys: { keys: [{ kty: 'oct', k: SECRET }] } }, 'keys.keys[0]', 'must be a public key'],
    [{ keys: { keys: [{ kty: 'EC', d: SECRET }] } }, 'keys.keys[0]', 'must be a public key'],
    [{ keys: { keys: [] } }, 'keys', 'at least one for signatures'],
    [{ secret: 'hunter2' }, 'secret', 'Unknown option "secret"'],
  ]),
  group('introspection', (options) => introspection(options), { client: 'none' }, [
    [{}, 'url', 'must be given, or "issuer", whose metadata name it'],
    [{ issuer: 'http://a.example' }, 'issuer', HTTPS],
    [{ issuer: 'urn:https:a' }, 'issuer', 'to start discovery, or give "url"'],
    [{ allowMissingAudience: true }, 'allowMissingAudience', 'has no effect'],
    [{ url: 'http://a.example/?k=hunter2' }, 'url', `${HTTPS}, received "http:`],
    ...[
      'hunter2',
      { id: 'api' },
      { ...app, secret: 'hunter2\uD800' },
      { ...app, bearer: 'hunter2' },
      { bearer: 'hunter2', method: 'post' },
      { bearer: 'hunter2\r\nx: y' },
    ].map((client): Row => [{ url: 'https://a.example/', client }, 'client', '{ bearer } or']),
    [{ client: { ...app, method: 'jwt' } }, 'client.method', '"basic" or "post"'],
    [{ attributes: 'sub' }, 'attributes', 'an object of claim paths and their attributes'],
    [{ attributes: { sub: 5 } }, 'attributes.sub'],
  ]),
  group('githubToken', (options) => githubToken(options), { allow: 'personal' }, [
    ...[undefined, SECRET].map((given): Row => [given, 'options']),
    ...[
      'all',
      SECRET,
      { clientId: 'a' },
      ...['', `${SECRET} `, ` ${SECRET}`].map((clientSecret) => ({ clientId: 'a', clientSecret })),
      { clientId: 'a:b', clientSecret: SECRET },
    ].map((allow): Row => [{ allow }, 'allow']),
    [{ allow: undefined }, 'allow'],
    [{ allow: { clientId: 'a', clientSecret: SECRET, scope: 'x' } }, 'allow.scope'],
    ...['http://a.example', 'a.example'].map((baseUrl): Row => [{ baseUrl }, 'baseUrl']),
    [{ baseUrl: `https://a.example/?key=${SECRET}` }, 'baseUrl', 'a URL without a query'],
    [{ token: SECRET }, 'token'],
  ]),
  group('kubernetesToken', (options) => kubernetesToken(options), {}, [
    [{}, 'audiences', 'without it a token that any pod has would be allowed'],
    [{ audiences: [], token: () => SECRET }, 'audiences'],
    [{ audiences: 'my-api' }, 'token', '"audiences" needs it'],
    [{ audiences: 'my-api', token: SECRET }, 'token'],
    [
      { audiences: 'my-api', token: () => SECRET, review: 'self' },
      'review',
      `${LEFT_OUT} beside "audiences"`,
    ],
    [{ review: 'token' }, 'review'],
    [{ review: 'self', token: () => SECRET }, 'token', `${LEFT_OUT} without "audiences"`],
    [{ review: 'self', apiServerUrl: 'http://kubernetes.default.svc' }, 'apiServerUrl'],
    [{ review: 'self', apiServerUrl: `https://user:${SECRET}@k8s` }, 'apiServerUrl'],
  ]),
  group(
    'fromUpstream',
    (options) => fromUpstream(options),
    { principalHeader: 'X-User', proof: PROOF },
    [
      ...[SECRET, undefined, null, 5].map((given): Row => [given, 'options']),
      ...[true, SECRET, {}, [], { secret: SECRET }].map((value) =>
        proof(value, 'proof', 'without a proof a client can name any caller'),
      ),
      ...[
        { ...PROOF, network: true },
        { ...PROOF, signature: 'x-sig' },
        { addresses: ['::1'], network: true },
      ].map((value) => proof(value)),
      proof({ network: false }, 'proof.network', 'true, or left out for another proof'),
      proof(
        { network: true, secret: SECRET },
        'proof.secret',
        `${LEFT_OUT} without "proof.header"`,
      ),
      proof({ header: 'x-a' }, 'proof.secret'),
      proof({ addresses: ['::1'], maxAgeSeconds: 60 }, 'proof.maxAgeSeconds'),
      proof({ ...PROOF, maxAgeSeconds: 60 }, 'proof.maxAgeSeconds', 'without "proof.signature"'),
      proof({ ...PROOF, unknown: true }, 'proof.unknown'),
      ...['authorization', 'Cookie', 'x proxy'].map((header) =>
        proof({ ...PROOF, header }, 'proof.header'),
      ),
      ...['hunter2-short', `${SECRET} `, 'hunter2'.repeat(147), 1e15, [], [SECRET, '']].map(
        (secret) => proof({ ...PROOF, secret }, 'proof.secret', '16 to 1024 visible ASCII'),
      ),
      ...[0, 3601, '60', null].map((maxAgeSeconds) =>
        proof({ ...SIGNED, maxAgeSeconds }, 'proof.maxAgeSeconds'),
      ),
      proof({ addresses: [] }, 'proof.addresses', 'a list of at least one address'),
      proof({ addresses: '10.0.0.0/8' }, 'proof.addresses', 'a list of at least one address'),
      network(5),
      network('010.0.0.1', 'an address', 1),
      ...words('10.0.0.0/08 10.0.0.0/33 proxy.internal').map((text) => network(text)),
      ...words('0.0.0.0/0 10.0.0.0/0 ::/0 ::ffff:0.0.0.0/96').map((text) => network(text, EVERY)),
      [{ principalHeader: 'authorization' }, 'principalHeader'],
      [{ tenantHeader: 'Sec-WebSocket-Protocol' }, 'tenantHeader'],
      [{ scopesHeader: 'authorization' }, 'scopesHeader'],
      [{ attributeHeaders: 'x-groups' }, 'attributeHeaders', 'an object of header names'],
      [{ attributeHeaders: { 'x groups': 'teams' } }, 'attributeHeaders'],
      [{ attributeHeaders: { 'x-groups': 5 } }, 'attributeHeaders.x-groups', 'json: true }'],
      ...[{}, { separator: ',', json: true }, { json: false }].map((form): Row => [
        { attributeHeaders: groups(form) },
        'attributeHeaders.x-groups',
      ]),
      ...['', 5].map((attribute): Row => [
        { attributeHeaders: groups({ attribute, separator: ',' }) },
        'attributeHeaders.x-groups.attribute',
        'the name of an attribute',
      ]),
      ...['\n', 5].map((separator): Row => [
        { attributeHeaders: groups({ separator }) },
        'attributeHeaders.x-groups.separator',
        '1 to 8 characters of printable ASCII',
      ]),
      // One header, two meanings.
      [{ tenantHeader: 'x_user' }, 'tenantHeader', 'another header than the other options name'],
      [{ attributesHeader: 'X.User' }, 'attributesHeader'],
      [{ scopesHeader: 'x-app', clientHeader: 'X_App' }, 'clientHeader'],
      [{ attributeHeaders: { X_USER: 'teams' } }, 'attributeHeaders'],
      [{ attributeHeaders: { 'X-Groups': 'teams', 'x-groups': 'roles' } }, 'attributeHeaders'],
      [{ principalHeader: 'x-proxy_secret' }, 'proof.header'],
      [{ proof: SIGNED, attributeHeaders: { 'x-a': 'b' } }, 'attributeHeaders', 'does not cover'],
    ],
  ),
  group(
    'createGateway',
    (options) => createGateway(options),
    { upstream: 'http://127.0.0.1:8321' },
    [
      [undefined, 'config'],
      ...[
        ...words('Authorization Remote-Addr X_Forwarded_User Content-Length accept cookie'),
        'content-encoding',
        'date',
        'origin',
        'range',
        'x user',
        '',
        true,
      ].map((principal): Row => [{ identityHeaders: { principal } }, 'identityHeaders.principal']),
      ...words('connection content_type X.Auth.Principal').map((attributes): Row => [
        { identityHeaders: { attributes } },
        'identityHeaders.attributes',
      ]),
      [{ identityHeaders: { tenant: 'x_auth_signature' } }, 'identityHeaders.tenant'],
      [{ identityHeaders: { principal: 'X-Auth-Tenant' } }, 'identityHeaders.tenant'],
      [{ identityHeaders: { scopes: 'x_auth_client' } }, 'identityHeaders.client'],
      [{ sign: SECRET }, 'sign'],
      [{ sign: {} }, 'sign.secret'],
      ...['hunter2-short', 'hunter2'.repeat(147), 'hunter2 with blanks', 'hunter2-hunter2-ü'].map(
        (secret): Row => [{ sign: { secret } }, 'sign.secret'],
      ),
      [{ sign: { secret: [] } }, 'sign.secret'],
      [{ sign: { secret: [SECRET, 'hunter2-short'] } }, 'sign.secret'],
      [{ sign: { secret: SECRET, header: 'x-sig' } }, 'sign.header'],
      ...words('* x-*-user x-**').map((name): Row => [{ stripHeaders: [name] }, 'stripHeaders[0]']),
      [{ stripHeaders: ['x-a', ''] }, 'stripHeaders[1]'],
    ],
  ),
  group('keys', (options) => keys(options), {}, [
    ...[undefined, 'keys.yaml', {}, { file: '' }, { file: 'a', text: '' }, { store: {} }].map(
      (given): Row => [given, 'options', '{ file }'],
    ),
    [{ text: 'keys: []', accepts: 'sk-' }, 'accepts', 'must be a function'],
  ]),
  group(
    'createKeyEndpoint',
    ({ of, ...options }: { of: never }) => createKeyEndpoint(of, options),
    { of: { text: 'keys: []' } },
    [
      ...[{}, { file: '' }, { file: 1 }, { text: 1 }, { store: {} }, { store: 'keys.db' }].map(
        (of): Row => [{ of }, 'source', EITHER],
      ),
      [{ of: { file: 'keys.yaml', text: SECRET } }, 'source', EITHER],
      [{ of: { store: { find: deny }, file: 'keys.yaml' } }, 'source', EITHER],
      ...['hunter2-short', `${SECRET} `, ` ${SECRET}`, [SECRET], 'hunter2'.repeat(147), ''].map(
        (endpointSecret): Row => [{ endpointSecret }, 'options.endpointSecret', SECRET_FORM],
      ),
      [{ endpointSecret: undefined }, 'options.endpointSecret', 'is a variable not set?'],
      ...[-1, 3601, 1.5].map((maxAgeSeconds): Row => [{ maxAgeSeconds }, 'options.maxAgeSeconds']),
    ],
  ),
  group('nodeTransport', (options) => nodeTransport(options), {}, [
    ...[key, null].map((given): Row => [given, 'nodeTransport', 'with an object of options']),
    [{ dispatcher: { dispatch: true } }, 'nodeTransport.dispatcher', 'a dispatcher of undici'],
    [{ dispatcher: { dispatch: deny }, ca: cert }, 'nodeTransport.ca', `${LEFT_OUT} beside`],
    [{ ca: '/etc/ssl/ca.pem' }, 'nodeTransport.ca', PEM],
    [{ ca: 5 }, 'nodeTransport.ca', PEM],
    [{ ca: NO_CERTIFICATE }, 'nodeTransport.ca', 'a certificate in PEM'],
    [{ ca: key }, 'nodeTransport.ca', 'a certificate in PEM'],
    [{ ca: [] }, 'nodeTransport.ca', 'left out or a list with a certificate'],
    [{ ca: [cert, 'hunter2'] }, 'nodeTransport.ca', PEM],
    [{ cert }, 'nodeTransport.key', 'must be given with "nodeTransport.cert"'],
    [{ key }, 'nodeTransport.cert', 'must be given with "nodeTransport.key"'],
    [{ cert: key, key }, 'nodeTransport.cert', 'a certificate in PEM'],
    [{ cert, key: 'hunter2' }, 'nodeTransport.key', PEM],
    ...[cert, ENCRYPTED, ANOTHER_KEY, () => ANOTHER_KEY].map((wrong): Row => [
      { cert, key: wrong },
      'nodeTransport.key',
      PAIR,
    ]),
    [{ ca: () => undefined }, 'nodeTransport.ca', RETURNING],
    [{ cert, key: fail }, 'nodeTransport.key', RETURNING],
    [{ cert, key: async () => fail() }, 'nodeTransport.key', PEM],
  ]),
]

function thrownBy(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  return expect.fail('the options were accepted')
}

describe.each(GROUPS)('%s', (_name, make, base, rows) => {
  it.each<Row>(rows)('refuses %o, and names %s', (given, option, text = '') => {
    const options = given?.constructor === Object ? { ...base, ...given } : given
    const error = thrownBy(() => make(options as never))
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error).toMatchObject({ option, code: 'invalid_config' })
    expect(error.message).toContain(text)
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/hunter2|PRIVATE KEY/)
  })
})
