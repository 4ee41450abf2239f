import { generateKeyPairSync } from 'node:crypto'
import { createGateway } from '../src/gateway.ts'
import { createAuthenticator, memoryCache } from '../src/index.ts'
import { jwt } from '../src/jwt.ts'
import { createKeyEndpoint, keys } from '../src/keys.ts'
import { nodeTransport } from '../src/node.ts'
import { group, SECRET, testRefusals } from './support/refused-options.ts'
import { SELF_SIGNED } from './support/self-signed-certificate.ts'
import { words } from './support/words.ts'
import type { Verifier } from '../src/index.ts'
import type { Row } from './support/refused-options.ts'

/**
 * Wrong options that break a special rule of their function: the error names the option, and shows no secret. options.test.ts has the
 * rules that hold for every option, and docs/messages.md every sentence.
 */

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

const JWT = { issuer: 'https://login.example.com/', audience: 'my-api' }
const EITHER = 'one of { file } and { text }, a string, or { store }'
const SECRET_FORM = 'must be 16 to 1024 visible ASCII characters'
const PEM = 'the content of a PEM file'
const PAIR = 'the private key of "nodeTransport.cert", not encrypted'
const RETURNING = 'a function that returns the content of a PEM file'

const GROUPS = [
  group('withAuth', (options) => createAuthenticator(options), {}, [
    ['https://u:hunter2@a', 'config', 'received a string: { endpoint }'],
    [null, 'config', 'received null'],
    [{ endpoint: '' }, 'endpoint', 'must be an absolute https URL, received ""'],
    [{ endpoint: 'http://a.example/?k=hunter2' }, 'endpoint', `${HTTPS}, received "http:`],
    [{ tenant: undefined }, 'tenant', 'Unknown option "tenant"'],
    // An object with defaults would take its place.
    [{ retry: '3' }, 'retry', 'must be an object or false, received "3"'],
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
    // Before the file is read.
    [{ file: 'none.yaml', accepts: 'sk-' }, 'accepts', 'must be a function'],
    [{ text: 'keys: []', paths: [] }, 'paths', 'Unknown option "paths"'],
  ]),
  group(
    'createKeyEndpoint',
    ({ of, ...options }: { of: never }) => createKeyEndpoint(of, options),
    { of: { text: 'keys: []' } },
    [
      ...[{}, { file: '' }, { file: 1 }, { text: 1 }, { store: {} }, { store: 'keys.db' }].map(
        (of): Row => [{ of }, 'source', EITHER],
      ),
      [{ of: 'keys.yaml' }, 'source', EITHER],
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

testRefusals(GROUPS)
