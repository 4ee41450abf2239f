import { gzipSync } from 'node:zlib'
import { answer } from './raw-upstream.ts'
import { TOKEN } from './token.ts'
import { words } from './words.ts'

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

type Rest = Omit<Partial<GatewayRow>, 'name' | 'fields'>

let rowCount = 0

/** A row with a path of its own, unless the path matters. It is a GET by default. */
function row(
  name: string,
  fields: readonly string[],
  { method, ...rest }: Rest & { readonly method?: string } = {},
): GatewayRow {
  rowCount += 1
  const path = rest.path ?? `/row-${rowCount}`
  return { name, path, ...(method && { line: `${method} ${path}` }), fields, ...rest }
}

const ALICE = { 'x-auth-principal': 'alice' }
const HELLO_IN_CHUNKS = '5\r\nhello\r\n0\r\n\r\n'
const NEVER = { upstream: 'never', statuses: [400, 401] } as const
const REJECTED_OR_REPAIRED = { upstream: 'maybe', statuses: [200, ...REFUSED] } as const

const SPELLINGS = words(
  'x_auth_principal X.Auth.Principal X-Auth_Principal x-auth.principal X~Auth|Principal',
)
const IDENTITY: readonly GatewayRow[] = [
  row(
    'an identity header beside a token without a principal (CVE-2026-30851)',
    [AS('nobody'), 'X-Auth-Principal: admin', 'X-Auth-Attributes: {}'],
    { told: none('x-auth-principal x-auth-attributes') },
  ),
  ...SPELLINGS.map((name) =>
    row(
      `the identity header spelled ${name} (CVE-2025-64484, CVE-2026-54763, CVE-2026-52845)`,
      [GOOD, `${name}: admin`],
      { told: ALICE },
    ),
  ),
  row('an identity header with a blank after its name', [GOOD, 'X-Auth-Principal : admin'], {
    ...REJECTED_OR_REPAIRED,
    told: ALICE,
  }),
  row(
    'two lines of an identity header',
    [GOOD, 'X-Auth-Principal: admin', 'x-auth-principal: root'],
    { told: { 'x-auth-principal': 'alice', 'x-auth-attributes': '{"roles":["admin"]}' } },
  ),
  row(
    'Connection that names the headers of the gateway (CVE-2024-45410, CVE-2026-29054, GHSA-w9mr-28mw-j8hg)',
    [GOOD, 'Connection: close, X-Auth-Principal, X-Forwarded-Host, X-User, Via', 'X-User: u'],
    {
      told: {
        'x-auth-principal': 'alice',
        'x-forwarded-host': 'api.test',
        'x-user': undefined,
        via: VIA,
      },
    },
  ),
  row('identity headers on a public path', ['X-Auth-Principal: admin', 'X_Auth.Attributes: {}'], {
    path: '/public/i4',
    told: none('x-auth-principal x-auth-attributes'),
  }),
  row('an invalid token on a public path', [AS('bad')], {
    path: '/public/i7',
    told: none('x-auth-principal authorization'),
  }),
  row('a principal with a line break (header injection)', [AS('odd')], {
    upstream: 'never',
    statuses: [502],
  }),
  row('a principal that is not ASCII', [AS('jose')], { told: { 'x-auth-principal': 'Jos%C3%A9' } }),
  row('no token', [], { upstream: 'never', statuses: [401] }),
  row('an invalid token', [AS('bad')], { upstream: 'never', statuses: [401] }),
  row(
    'Authorization and Proxy-Authorization',
    [GOOD, 'Proxy-Authorization: Basic x', 'Cookie: a=1', 'Accept: text/plain'],
    { told: { ...none('authorization proxy-authorization'), cookie: 'a=1', accept: 'text/plain' } },
  ),
]

/** So many headers with names of two or three letters, which fit into any limit of bytes. */
export function shortHeaders(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `q${index.toString(36)}:`)
}

// Deno itself answers 400 to more than 100, and Bun 431 to more than 200.
const TOO_MANY = { upstream: 'never', statuses: [400, 431] } as const

// Node's servers keep 1,000 fields and drop the rest in silence, which were those of the gateway.
const COUNTS: readonly GatewayRow[] = [
  row('990 short headers', [GOOD, ...shortHeaders(990)], TOO_MANY),
  row('201 header fields', [GOOD, ...shortHeaders(198)], TOO_MANY),
  row('200 header fields', [GOOD, ...shortHeaders(197)], {
    upstream: 'maybe',
    statuses: [200, 400, 431],
    told: { 'x-auth-principal': 'alice', 'x-auth-attributes': '{"roles":["admin"]}', via: VIA },
  }),
  row('250 lines of one header', [GOOD, ...Array<string>(250).fill('A: 1')], {
    // Some runtimes show one field with all values, and it goes on as one line.
    upstream: 'maybe',
    statuses: [200, 400, 431],
  }),
]

const FACTS: readonly GatewayRow[] = [
  row(
    'X-Forwarded-* and Forwarded (CVE-2026-33495, CVE-2026-35051, CVE-2026-39858, CVE-2026-54764)',
    [
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
    {
      told: {
        ...none('x-forwarded-for x-forwarded-port x-forwarded-prefix x-forwarded-uri'),
        ...none('forwarded x-real-ip'),
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'api.test',
        via: VIA,
      },
    },
  ),
  // `tests/gateway/request.test.ts` has all of their names.
  row(
    'headers that name another path, method or caller',
    [
      GOOD,
      'X-Original-URL: /admin',
      'X_HTTP_Method: DELETE',
      'X-Remote-User: admin',
      'REMOTE_ADDR: 1.2.3.4',
      'SCRIPT_NAME: /h19-family',
      'Proxy: http://evil.test',
    ],
    {
      path: '/h19',
      asked: 'GET /h19 HTTP/1.1',
      told: none('x-original-url x-http-method x-remote-user remote-addr script-name proxy'),
    },
  ),
  row(
    'hop-by-hop headers',
    [
      GOOD,
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Trailer: X',
      'Proxy-Connection: close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ],
    {
      told: {
        ...none('keep-alive te trailer proxy-connection upgrade http2-settings'),
        'accept-encoding': 'identity',
      },
    },
  ),
]

const TARGETS: readonly GatewayRow[] = [
  ...[
    ['//evil.test/x', '//evil.test/x'],
    ['/http://evil.test/x', '/http://evil.test/x'],
    ['/@evil.test/x', '/@evil.test/x'],
    ['/:1/x', '/:1/x'],
    ['/.evil.test/x', '/.evil.test/x'],
    ['/i8/%61%2f%20?a=b&a=%zz', '/i8/a%2f%20'],
  ].map(([target = '', path = '']) =>
    row(`the target ${target}`, [GOOD], {
      path,
      line: `GET ${target}`,
      // Some servers parse `//evil.test` as a host, and pass on only the path `/x`.
      ...REJECTED_OR_REPAIRED,
      told: { host: /^127\.0\.0\.1:\d+$/, 'x-auth-principal': 'alice' },
    }),
  ),
  row('an absolute target with another host', [GOOD], {
    path: '/i8-absolute',
    line: 'GET http://evil.test/i8-absolute',
    ...REJECTED_OR_REPAIRED,
    asked: 'GET /i8-absolute HTTP/1.1',
    told: { host: /^127\.0\.0\.1:\d+$/ },
  }),
  row('the Host of another server', [GOOD, 'Host: evil.test'], {
    path: '/i8-host',
    asked: 'GET /i8-host HTTP/1.1',
    told: { host: /^127\.0\.0\.1:\d+$/, 'x-forwarded-host': 'evil.test' },
  }),
  // RFC 9112 §3.2: a malformed or repeated Host gets a 400.
  ...[
    'h/public/x?',
    'a/b',
    'u@a',
    'a?b',
    'a#b',
    'a b',
    'a:b',
    'a.test, b.test',
    'a.test, a.test',
  ].map((hosts) =>
    row(
      `the malformed Host ${hosts}`,
      [GOOD, ...hosts.split(', ').map((host) => `Host: ${host}`)],
      { upstream: 'never', statuses: [0, 400] },
    ),
  ),
  row('a dot segment', [], { path: '/secret', line: 'GET /public/../secret', ...NEVER }),
  row('an encoded slash below a public path', [], { path: '/public/..%2fsecret', ...NEVER }),
]

const FRAMING: readonly GatewayRow[] = [
  ...['POST', 'DELETE', 'OPTIONS', 'PURGE'].flatMap((method) =>
    [[], ['Content-Length: 0']].map((fields) =>
      row(
        `${method} without a body, ${fields.length === 0 ? 'and no length' : 'and its length'}`,
        [GOOD, ...fields],
        { method, told: { 'transfer-encoding': undefined }, toldBody: '' },
      ),
    ),
  ),
  row('Content-Length alone', [GOOD, 'Content-Length: 5'], {
    method: 'POST',
    body: 'hello',
    toldBody: 'hello',
    told: { 'content-length': '5', 'transfer-encoding': undefined },
  }),
  row('chunks alone', [GOOD, 'Transfer-Encoding: chunked'], {
    method: 'POST',
    body: HELLO_IN_CHUNKS,
    toldBody: 'hello',
    told: { 'content-length': undefined, 'transfer-encoding': 'chunked' },
  }),
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
  ].map((fields) =>
    row(`the ambiguous framing ${fields.join(', ')}`, [GOOD, ...fields], {
      method: 'POST',
      // The body hides a second request (request smuggling).
      body: '5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n',
      upstream: 'maybe',
      statuses: [200, 401, 413, ...REFUSED, 502],
    }),
  ),
  // RFC 9112 §6.1. The upstream would read the encoded body as plain content.
  ...[
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked, chunked'],
  ].map((fields) =>
    row(`a transfer coding that would be lost: ${fields.join(', ')}`, [GOOD, ...fields], {
      method: 'POST',
      body: HELLO_IN_CHUNKS,
      upstream: 'never',
      statuses: [0, 400, 501],
    }),
  ),
  row('a GET with a length and a body', [GOOD, 'Content-Length: 5'], {
    body: 'hello',
    ...REJECTED_OR_REPAIRED,
    told: { 'content-length': '5', 'transfer-encoding': undefined },
    toldBody: 'hello',
  }),
  row('a GET with a body in chunks', [GOOD, 'Transfer-Encoding: chunked'], {
    body: HELLO_IN_CHUNKS,
    ...REJECTED_OR_REPAIRED,
    told: { 'content-length': undefined, 'transfer-encoding': 'chunked' },
    toldBody: 'hello',
  }),
  row('a HEAD with a body', [GOOD, 'Content-Length: 5'], {
    method: 'HEAD',
    body: 'hello',
    ...REJECTED_OR_REPAIRED,
    toldBody: 'hello',
  }),
  row('a GET with the length 0', [GOOD, 'Content-Length: 0'], { toldBody: '' }),
  row('Expect: 100-continue', [GOOD, 'Expect: 100-continue', 'Content-Length: 5'], {
    method: 'POST',
    body: 'hello',
    statuses: [100, 200],
    toldBody: 'hello',
    told: { expect: undefined },
  }),
]

const METHODS: readonly GatewayRow[] = [
  ...['TRACE', 'TRACK', 'get'].map((method) =>
    row(`the method ${method}`, [GOOD], { method, upstream: 'never', statuses: [401, ...REFUSED] }),
  ),
  row('CONNECT (CVE-2026-71324)', [GOOD], {
    path: 'evil.test:80',
    line: 'CONNECT evil.test:80',
    upstream: 'never',
    statuses: [401, ...REFUSED],
  }),
  row(
    'a WebSocket',
    [
      GOOD,
      'Connection: Upgrade, close',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ],
    { upstream: 'never', statuses: REFUSED },
  ),
]

const RESPONSES: readonly GatewayRow[] = [
  row('a challenge from the upstream', [GOOD], {
    answered: answer('401 Unauthorized', ['WWW-Authenticate: Basic realm="x y", charset="UTF-8"']),
    statuses: [401],
    got: { 'www-authenticate': ['Basic realm="x y", charset="UTF-8"'] },
  }),
  ...['301', '302', '303', '307', '308'].map((status) =>
    row(`a redirect ${status} from the upstream`, [GOOD], {
      answered: answer(`${status} Moved`, ['Location: http://127.0.0.1:1/elsewhere']),
      statuses: [Number(status)],
      got: { location: ['http://127.0.0.1:1/elsewhere'] },
    }),
  ),
  row('hop-by-hop fields in a response', [GOOD], {
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
  }),
  row('cookies from the upstream', [GOOD], {
    answered: answer('200 OK', ['Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2'], 'ok'),
    got: { 'set-cookie': ['a=1; Path=/', 'b=2'] },
  }),
  ...['204 No Content', '304 Not Modified'].map((status) =>
    row(`a response ${status}`, [GOOD], {
      answered: `HTTP/1.1 ${status}\r\nETag: "1"\r\nConnection: close\r\n\r\n`,
      statuses: [Number.parseInt(status, 10)],
      got: { etag: ['"1"'] },
      gotBody: '',
    }),
  ),
  row('a response to HEAD', [GOOD], {
    method: 'HEAD',
    answered: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nConnection: close\r\n\r\n',
    got: { etag: ['"1"'] },
    gotBody: '',
  }),
  row('early hints before a response', [GOOD], {
    answered: `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${answer('200 OK', [], 'ok')}`,
    // workerd takes the interim response for the final one, and a Response cannot have that status.
    statuses: [200, 502],
  }),
  // RFC 9110 §15.5.20 allows a retry, and Node's `fetch` makes one.
  ...['GET', 'DELETE'].map((method) =>
    row(`a ${method} that the upstream answers with 421 is sent once`, [GOOD], {
      method,
      answered: answer('421 Misdirected Request', [], 'elsewhere'),
      statuses: [421],
      gotBody: 'elsewhere',
    }),
  ),
  ...[
    ['nothing', ''],
    ['what is not HTTP', 'secret\r\n\r\n'],
    ['a status of two digits', answer('20 OK', [], 'secret')],
    ['half a head', 'HTTP/1.1 200 OK\r\nX-Se'],
  ].map(([what = '', answered = '']) =>
    row(`an upstream that answers ${what}`, [GOOD], { answered, statuses: [502] }),
  ),
]

export const GZIPPED: string = gzipSync('hello'.repeat(99)).toString('latin1')
export const HALF: string = GZIPPED.slice(0, GZIPPED.length / 2)
const COMPRESSED: GatewayRow = row(
  'a compressed response to a request for an uncompressed one',
  [GOOD, 'Accept-Encoding: gzip'],
  {
    told: { 'accept-encoding': 'identity' },
    answered: answer('200 OK', ['Content-Encoding: gzip'], GZIPPED),
  },
)
const UNKNOWN: GatewayRow = row('a response with an unknown content coding', [GOOD], {
  answered: answer('200 OK', ['Content-Encoding: zstd'], 'coded'),
})

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
  ...COUNTS,
  ...FACTS,
  ...TARGETS,
  ...FRAMING,
  ...METHODS,
  ...RESPONSES,
]
