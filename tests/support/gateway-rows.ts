import { gzipSync } from 'node:zlib'
import { answer } from './raw-upstream.ts'
import { TOKEN } from './token.ts'

/** The exact bytes of a request to a gateway, and the allowed results on any server. */
export interface GatewayRow {
  readonly name: string
  /** The path at the upstream. It is unique to this row. */
  readonly path: string
  /** The request line without version. By default a GET for the path. */
  readonly line?: string
  readonly fields?: readonly string[]
  readonly body?: string
  /** How often the upstream is called. `maybe`: some servers reject the request, and others repair it. */
  readonly upstream?: 'once' | 'never' | 'maybe'
  /** The request line at the upstream. */
  readonly asked?: string
  /** The values of these headers at the upstream, in any spelling. `undefined`: there is no such header. */
  readonly told?: Readonly<Record<string, string | RegExp | undefined>>
  readonly toldBody?: string
  /** The response of the upstream. */
  readonly answered?: string
  /** The statuses that the client may get, 200 by default. `0`: the connection ends without a response. */
  readonly statuses?: readonly number[]
  /** The values of these fields in the client's response. */
  readonly got?: Readonly<Record<string, readonly string[]>>
  readonly gotBody?: string
}

const AS = (token: string): string => `Authorization: Bearer ${token}`
const GOOD = AS(TOKEN)
const VIA = /^1\.1 with-auth-[a-z\d]+$/
/** The statuses of servers that reject a malformed request. */
const REFUSED = [0, 400, 404, 405, 426, 500, 501]

/** Says that the upstream gets none of these headers. */
const none = (names: string): Record<string, undefined> =>
  Object.fromEntries(names.split(' ').map((name) => [name, undefined]))

const IDENTITY: readonly GatewayRow[] = [
  {
    name: 'an identity header beside a token without a principal (CVE-2026-30851)',
    path: '/i1',
    fields: [AS('nobody'), 'X-Auth-Principal: admin', 'X-Auth-Attributes: {}'],
    told: { 'x-auth-principal': undefined, 'x-auth-attributes': undefined },
  },
  ...[
    'x_auth_principal',
    'X.Auth.Principal',
    'X-Auth_Principal',
    'x-auth.principal',
    'X~Auth|Principal',
  ].map((name, index) => ({
    name: `the identity header spelled ${name} (CVE-2025-64484, CVE-2026-54763, CVE-2026-52845)`,
    path: `/i2-${index}`,
    fields: [GOOD, `${name}: admin`],
    told: { 'x-auth-principal': 'alice' },
  })),
  {
    name: 'an identity header with a blank after its name',
    path: '/i2-blank',
    fields: [GOOD, 'X-Auth-Principal : admin'],
    upstream: 'maybe',
    statuses: [200, ...REFUSED],
    told: { 'x-auth-principal': 'alice' },
  },
  {
    name: 'two lines of an identity header',
    path: '/i2-two',
    fields: [GOOD, 'X-Auth-Principal: admin', 'x-auth-principal: root'],
    told: { 'x-auth-principal': 'alice', 'x-auth-attributes': '{"roles":["admin"]}' },
  },
  {
    name: 'Connection that names the headers of the gateway (CVE-2024-45410, CVE-2026-29054, GHSA-w9mr-28mw-j8hg)',
    path: '/i3',
    fields: [
      GOOD,
      'Connection: close, X-Auth-Principal, X-Forwarded-Host, X-User, Via',
      'X-User: u',
    ],
    told: {
      'x-auth-principal': 'alice',
      'x-forwarded-host': 'api.test',
      'x-user': undefined,
      via: VIA,
    },
  },
  {
    name: 'identity headers on a public path',
    path: '/public/i4',
    fields: ['X-Auth-Principal: admin', 'X_Auth.Attributes: {}'],
    told: { 'x-auth-principal': undefined, 'x-auth-attributes': undefined },
  },
  {
    name: 'an identity header beside a valid token',
    path: '/i6',
    fields: [GOOD, 'X-Auth-Principal: bob'],
    told: { 'x-auth-principal': 'alice' },
  },
  {
    name: 'an invalid token on a public path',
    path: '/public/i7',
    fields: [AS('bad')],
    told: { 'x-auth-principal': undefined, authorization: undefined },
  },
  {
    name: 'a principal with a line break (header injection)',
    path: '/r10',
    fields: [AS('odd')],
    upstream: 'never',
    statuses: [502],
  },
  {
    name: 'a principal that is not ASCII',
    path: '/e25',
    fields: [AS('jose')],
    told: { 'x-auth-principal': 'Jos%C3%A9' },
  },
  { name: 'no token', path: '/h8', fields: [], upstream: 'never', statuses: [401] },
  {
    name: 'an invalid token',
    path: '/bad',
    fields: [AS('bad')],
    upstream: 'never',
    statuses: [401],
  },
  {
    name: 'Authorization and Proxy-Authorization',
    path: '/r9',
    fields: [GOOD, 'Proxy-Authorization: Basic x', 'Cookie: a=1', 'Accept: text/plain'],
    told: {
      authorization: undefined,
      'proxy-authorization': undefined,
      cookie: 'a=1',
      accept: 'text/plain',
    },
  },
]

const FACTS: readonly GatewayRow[] = [
  {
    name: 'X-Forwarded-* and Forwarded (CVE-2026-33495, CVE-2026-35051, CVE-2026-39858, CVE-2026-54764)',
    path: '/i5',
    fields: [
      GOOD,
      'X-Forwarded-For: 1.2.3.4',
      'X_Forwarded_Proto: gopher',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Port: 1',
      'X.Forwarded.Prefix: /admin',
      'X-Forwarded-Uri: /admin',
      'Forwarded: for=1.2.3.4;host=evil.test',
      'X-Real-IP: 1.2.3.4',
      'Via: 1.0 evil',
    ],
    told: {
      'x-forwarded-for': undefined,
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'api.test',
      'x-forwarded-port': undefined,
      'x-forwarded-prefix': undefined,
      'x-forwarded-uri': undefined,
      forwarded: undefined,
      'x-real-ip': undefined,
      via: VIA,
    },
  },
  {
    name: 'headers that name another path or method',
    path: '/h19',
    fields: [
      GOOD,
      'X-Original-URL: /admin',
      'X-Rewrite-URL: /admin',
      'X-Original-URI: /admin',
      'X-HTTP-Method-Override: DELETE',
      'X_HTTP_Method: DELETE',
      'X-Method-Override: DELETE',
      'Proxy: http://evil.test',
    ],
    asked: 'GET /h19 HTTP/1.1',
    told: none(
      'x-original-url x-rewrite-url x-original-uri x-http-method-override x-http-method x-method-override proxy',
    ),
  },
  ...[
    'X-Original-Method: DELETE',
    'X-Envoy-Original-Path: /admin',
    'X-Host: evil.test',
    'X-Forwarded: for=1.2.3.4',
    'Front-End-Https: on',
    'X-Url-Scheme: https',
    'X-Scheme: https',
    'X-Remote-User: admin',
    'X-Remote-IP: 1.2.3.4',
    'Remote-User: admin',
    'REMOTE_ADDR: 1.2.3.4',
    'X-Originating-IP: 1.2.3.4',
    'Proxy-Client-IP: 1.2.3.4',
    'WL-Proxy-Client-IP: 1.2.3.4',
    'X-Azure-ClientIP: 1.2.3.4',
    'Fly-Client-IP: 1.2.3.4',
    'X-Middleware-Subrequest: middleware',
    'SCRIPT_NAME: /h19-family',
    'X-Sendfile-Type: x-accel-redirect',
    'Client-Cert: :MII=:',
  ].map((field, index) => ({
    name: `the header ${field}`,
    path: `/h19-family-${index}`,
    fields: [GOOD, field],
    told: { [field.slice(0, field.indexOf(':'))]: undefined },
  })),
  { name: 'Via', path: '/r12', fields: [GOOD], told: { via: VIA } },
  {
    name: 'hop-by-hop headers',
    path: '/r11',
    fields: [
      GOOD,
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Trailer: X',
      'Proxy-Connection: close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ],
    told: {
      'keep-alive': undefined,
      te: undefined,
      trailer: undefined,
      'proxy-connection': undefined,
      upgrade: undefined,
      'http2-settings': undefined,
      'accept-encoding': 'identity',
    },
  },
]

const TARGETS: readonly GatewayRow[] = [
  ...[
    ['//evil.test/x', '//evil.test/x'],
    ['/http://evil.test/x', '/http://evil.test/x'],
    ['/@evil.test/x', '/@evil.test/x'],
    ['/:1/x', '/:1/x'],
    ['/.evil.test/x', '/.evil.test/x'],
    ['/i8/%61%2f%20?a=b&a=%zz', '/i8/a%2f%20'],
  ].map(([target = '', path = '']) => ({
    name: `the target ${target}`,
    path,
    line: `GET ${target}`,
    fields: [GOOD],
    // Some servers parse `//evil.test` as a host, and pass on only the path `/x`.
    upstream: 'maybe' as const,
    statuses: [200, ...REFUSED],
    told: { host: /^127\.0\.0\.1:\d+$/, 'x-auth-principal': 'alice' },
  })),
  {
    name: 'an absolute target with another host',
    path: '/i8-absolute',
    line: 'GET http://evil.test/i8-absolute',
    fields: [GOOD],
    upstream: 'maybe',
    statuses: [200, ...REFUSED],
    asked: 'GET /i8-absolute HTTP/1.1',
    told: { host: /^127\.0\.0\.1:\d+$/ },
  },
  {
    name: 'the Host of another server',
    path: '/i8-host',
    fields: [GOOD, 'Host: evil.test'],
    asked: 'GET /i8-host HTTP/1.1',
    told: { host: /^127\.0\.0\.1:\d+$/, 'x-forwarded-host': 'evil.test' },
  },
  // RFC 9112 §3.2: a malformed or repeated Host gets a 400.
  ...[
    ['Host: h/public/x?'],
    ['Host: a/b'],
    ['Host: u@a'],
    ['Host: a?b'],
    ['Host: a#b'],
    ['Host: a b'],
    ['Host: a:b'],
    ['Host: a.test', 'Host: b.test'],
    ['Host: a.test', 'Host: a.test'],
  ].map((fields, index) => ({
    name: `the malformed ${fields.join(', ')}`,
    path: `/p13-${index}`,
    fields: [GOOD, ...fields],
    upstream: 'never' as const,
    statuses: [0, 400],
  })),
  {
    name: 'a dot segment',
    path: '/secret',
    line: 'GET /public/../secret',
    fields: [],
    upstream: 'never',
    statuses: [400, 401],
  },
  {
    name: 'an encoded slash below a public path',
    path: '/public/..%2fsecret',
    fields: [],
    upstream: 'never',
    statuses: [400, 401],
  },
]

const FRAMING: readonly GatewayRow[] = [
  ...['POST', 'DELETE', 'OPTIONS', 'PURGE'].flatMap((method) =>
    [[], ['Content-Length: 0']].map((fields) => ({
      name: `${method} without a body, ${fields.length === 0 ? 'and no length' : 'and its length'}`,
      path: `/i9-${method}-${fields.length}`,
      line: `${method} /i9-${method}-${fields.length}`,
      fields: [GOOD, ...fields],
      told: { 'transfer-encoding': undefined },
      toldBody: '',
    })),
  ),
  {
    name: 'Content-Length alone',
    path: '/i9-length',
    line: 'POST /i9-length',
    fields: [GOOD, 'Content-Length: 5'],
    body: 'hello',
    toldBody: 'hello',
    told: { 'content-length': '5', 'transfer-encoding': undefined },
  },
  {
    name: 'chunks alone',
    path: '/i9-chunks',
    line: 'POST /i9-chunks',
    fields: [GOOD, 'Transfer-Encoding: chunked'],
    body: '5\r\nhello\r\n0\r\n\r\n',
    toldBody: 'hello',
    told: { 'content-length': undefined, 'transfer-encoding': 'chunked' },
  },
  ...[
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 5'],
    ['Content-Length: 5', 'Transfer-Encoding: xchunked'],
    ['Content-Length: 5', 'Transfer_Encoding: chunked'],
    ['Content-Length: 5', 'Transfer-Encoding : chunked'],
    ['Content-Length: 5', 'Transfer-Encoding:\tchunked'],
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Content-Length: +5', 'X-Other: 1'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ].map((fields, index) => ({
    name: `the ambiguous framing ${fields.join(', ')}`,
    path: `/i9-${index}`,
    line: `POST /i9-${index}`,
    fields: [GOOD, ...fields],
    // The body hides a second request (request smuggling).
    body: '5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n',
    upstream: 'maybe' as const,
    statuses: [200, 401, 413, ...REFUSED, 502],
  })),
  // RFC 9112 §6.1. The upstream would read the encoded body as plain content.
  ...[
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked, chunked'],
  ].map((fields, index) => ({
    name: `a transfer coding that would be lost: ${fields.join(', ')}`,
    path: `/i9-coded-${index}`,
    line: `POST /i9-coded-${index}`,
    fields: [GOOD, ...fields],
    body: '5\r\nhello\r\n0\r\n\r\n',
    upstream: 'never' as const,
    statuses: [0, 400, 501],
  })),
  {
    name: 'a GET with a length and a body',
    path: '/i9-get',
    fields: [GOOD, 'Content-Length: 5'],
    body: 'hello',
    upstream: 'maybe',
    statuses: [200, ...REFUSED],
    told: { 'content-length': undefined, 'transfer-encoding': undefined },
    toldBody: '',
  },
  {
    name: 'Expect: 100-continue',
    path: '/r17',
    line: 'POST /r17',
    fields: [GOOD, 'Expect: 100-continue', 'Content-Length: 5'],
    body: 'hello',
    statuses: [100, 200],
    toldBody: 'hello',
    told: { expect: undefined },
  },
]

const METHODS: readonly GatewayRow[] = [
  ...['TRACE', 'TRACK', 'get'].map((method) => ({
    name: `the method ${method}`,
    path: `/i10-${method}`,
    line: `${method} /i10-${method}`,
    fields: [GOOD],
    upstream: 'never' as const,
    statuses: [401, ...REFUSED],
  })),
  {
    name: 'CONNECT (CVE-2026-71324)',
    path: 'evil.test:80',
    line: 'CONNECT evil.test:80',
    fields: [GOOD],
    upstream: 'never',
    statuses: [401, ...REFUSED],
  },
  {
    name: 'a WebSocket',
    path: '/i10-socket',
    fields: [
      GOOD,
      'Connection: Upgrade, close',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ],
    upstream: 'never',
    statuses: REFUSED,
  },
]

const RESPONSES: readonly GatewayRow[] = [
  {
    name: 'a challenge from the upstream',
    path: '/r8',
    fields: [GOOD],
    answered: answer('401 Unauthorized', ['WWW-Authenticate: Basic realm="x y", charset="UTF-8"']),
    statuses: [401],
    got: { 'www-authenticate': ['Basic realm="x y", charset="UTF-8"'] },
  },
  ...['301', '302', '303', '307', '308'].map((status) => ({
    name: `a redirect ${status} from the upstream`,
    path: `/i11-${status}`,
    fields: [GOOD],
    answered: answer(`${status} Moved`, ['Location: http://127.0.0.1:1/elsewhere']),
    statuses: [Number(status)],
    got: { location: ['http://127.0.0.1:1/elsewhere'] },
  })),
  {
    name: 'hop-by-hop fields in a response',
    path: '/i13',
    fields: [GOOD],
    answered: answer(
      '200 OK',
      [
        'Connection: X-Internal, close',
        'X-Internal: secret',
        'Proxy-Authenticate: Basic',
        'Alt-Svc: h3=":1"',
        'X-Kept: 1',
      ],
      'ok',
    ),
    got: { 'x-internal': [], 'proxy-authenticate': [], 'alt-svc': [], 'x-kept': ['1'] },
    gotBody: 'ok',
  },
  {
    name: 'cookies from the upstream',
    path: '/cookies',
    fields: [GOOD],
    answered: answer('200 OK', ['Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2'], 'ok'),
    got: { 'set-cookie': ['a=1; Path=/', 'b=2'] },
  },
  ...['204 No Content', '304 Not Modified'].map((status) => ({
    name: `a response ${status}`,
    path: `/${Number.parseInt(status, 10)}`,
    fields: [GOOD],
    answered: `HTTP/1.1 ${status}\r\nETag: "1"\r\nConnection: close\r\n\r\n`,
    statuses: [Number.parseInt(status, 10)],
    got: { etag: ['"1"'] },
    gotBody: '',
  })),
  {
    name: 'a response to HEAD',
    path: '/head',
    line: 'HEAD /head',
    fields: [GOOD],
    answered: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nConnection: close\r\n\r\n',
    got: { etag: ['"1"'] },
    gotBody: '',
  },
  {
    name: 'early hints before a response',
    path: '/hints',
    fields: [GOOD],
    answered: `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${answer('200 OK', [], 'ok')}`,
    // workerd takes the interim response for the final one, and a Response cannot have that status.
    statuses: [200, 502],
  },
  // RFC 9110 §15.5.20 allows a retry, and Node's `fetch` makes one.
  ...['GET', 'DELETE'].map((method) => ({
    name: `a ${method} that the upstream answers with 421 is sent once`,
    path: `/misdirected-${method}`,
    line: `${method} /misdirected-${method}`,
    fields: [GOOD],
    answered: answer('421 Misdirected Request', [], 'elsewhere'),
    statuses: [421],
    gotBody: 'elsewhere',
  })),
  ...[
    ['nothing', ''],
    ['what is not HTTP', 'secret\r\n\r\n'],
    ['a status of two digits', answer('20 OK', [], 'secret')],
    ['half a head', 'HTTP/1.1 200 OK\r\nX-Se'],
  ].map(([what = '', answered = ''], index) => ({
    name: `an upstream that answers ${what}`,
    path: `/broken-${index}`,
    fields: [GOOD],
    answered,
    statuses: [502],
  })),
]

export const GZIPPED: string = gzipSync('hello'.repeat(99)).toString('latin1')
export const HALF: string = GZIPPED.slice(0, GZIPPED.length / 2)
const COMPRESSED: GatewayRow = {
  name: 'a compressed response to a request for an uncompressed one',
  path: '/i12',
  fields: [GOOD, 'Accept-Encoding: gzip'],
  told: { 'accept-encoding': 'identity' },
  answered: answer('200 OK', ['Content-Encoding: gzip'], GZIPPED),
}
const UNKNOWN: GatewayRow = {
  name: 'a response with an unknown content coding',
  path: '/i12-unknown',
  fields: [GOOD],
  answered: answer('200 OK', ['Content-Encoding: zstd'], 'coded'),
}

/** The rows for a `fetch` that decodes a compressed response, and for one that does not. */
export const CODING_ROWS = {
  decoded: [
    { ...COMPRESSED, got: { 'content-encoding': [] }, gotBody: 'hello'.repeat(99) },
    { ...UNKNOWN, statuses: [502] },
  ],
  coded: [
    { ...COMPRESSED, got: { 'content-encoding': ['gzip'] }, gotBody: GZIPPED },
    {
      ...COMPRESSED,
      name: 'half of a compressed response, which the client can tell from a whole one',
      path: '/i12-half',
      answered: answer('200 OK', ['Content-Encoding: gzip'], HALF),
      got: { 'content-encoding': ['gzip'], 'content-length': [String(HALF.length)] },
      gotBody: HALF,
    },
    { ...UNKNOWN, got: { 'content-encoding': ['zstd'] }, gotBody: 'coded' },
  ],
} as const satisfies Record<string, readonly GatewayRow[]>

export const GATEWAY_ROWS: readonly GatewayRow[] = [
  ...IDENTITY,
  ...FACTS,
  ...TARGETS,
  ...FRAMING,
  ...METHODS,
  ...RESPONSES,
]
