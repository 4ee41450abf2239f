import { both, differ, known } from './differences.ts'
import { allowed, byServer, isPublic, malformedTarget, missing } from './row.ts'
import type { Difference } from './differences.ts'

const BAD_HOSTS = [
  'h.test\\public',
  'h.test\\public\\x?',
  'h#x',
  'h?',
  'u:p@h',
  'h test',
  'h.test/public/..',
]
const HOSTS_WITH_PATH = ['h/healthz?x=', 'h/public/x?', 'h/public/']
const NO_HOSTS = ['h%2fpublic', 'h.test:80x', '[::1']

/** Those of Host, the absolute form and the method. */
export const TARGET_DIFFERENCES: readonly Difference[] = [
  differ('node-server', 'a Host that does not come out of a URL parser as it went in is refused', [
    byServer,
    ...forHosts(...BAD_HOSTS, ...HOSTS_WITH_PATH, ...NO_HOSTS),
    'Host: two, the bad one first',
  ]),
  differ(
    'srvx',
    'a Host that is none becomes "_invalid_" in the URL, so that the path counts; the guard sees Host, and nothing is public',
    [
      missing,
      ...BAD_HOSTS.flatMap((host) => [`Host: ${host}`, `Host: ${host} for /public/x`]),
      'Host: two, the bad one first',
    ],
    [allowed(), ...known('Host', ...BAD_HOSTS, ...HOSTS_WITH_PATH)],
  ),
  differ('bun', 'without a Host that is one the URL is a path alone, which the guard rejects', [
    malformedTarget,
    ...forHosts(...HOSTS_WITH_PATH, 'nothing'),
    'Host: none in HTTP/1.0',
  ]),
  differ('workerd', 'a request without a Host is refused', [
    byServer,
    ...forHosts('nothing'),
    'Host: none in HTTP/1.0',
  ]),
  differ('deno', 'HTTP/1.1 without a Host is accepted', [missing, 'Host: none']),
  differ('deno', 'a second Host is refused', [
    byServer,
    'Host: two',
    'Host: two that are the same',
    'Host: two for /public/x',
    'Host: two, the bad one first',
  ]),
  differ('workerd', 'two Hosts are joined, and the guard rejects the blank between them', [
    malformedTarget,
    'Host: two',
    'Host: two that are the same',
    'Host: two for /public/x',
  ]),
  differ(
    'node-server',
    'userinfo of the absolute form stays in the URL, where the guard rejects it',
    [malformedTarget, 'absolute form: http://x@h.test/healthz'],
  ),
  differ(
    'deno',
    'the absolute form becomes the URL unchanged; the guard rejects another scheme, userinfo, and no path',
    [
      malformedTarget,
      'absolute form: http://x@h.test/healthz',
      'absolute form: http://h.test?/healthz',
      ...both('absolute form', 'http://h.test\\public/admin'),
      'absolute form: http://h.test#/healthz',
      'absolute form: ftp://h.test/healthz',
    ],
  ),
  differ(
    'bun',
    'the absolute form is cut at the first slash: guard and handler see what is after it',
    [missing, 'absolute form: http://h.test\\public/admin'],
    [allowed(), ...known('absolute form', 'http://h.test\\public/admin')],
    [isPublic, 'absolute form: http://h.test#/healthz'],
  ),
  differ(
    'workerd',
    'scheme, authority and fragment of the absolute form are cut off: / and /healthz',
    [isPublic, 'absolute form: http://h.test#/healthz', 'absolute form: ftp://h.test/healthz'],
  ),
  differ('workerd', 'a target without a slash becomes /, which is public here', [
    isPublic,
    'no path: GET admin',
    'no path: GET healthz',
  ]),
  differ(
    'workerd',
    'an asterisk is put after the host, and the guard rejects a URL without a path',
    [malformedTarget, 'no path: GET *', 'no path: OPTIONS *'],
  ),
  differ('srvx', 'an asterisk becomes the path /*', [
    missing,
    'no path: GET *',
    'no path: OPTIONS *',
  ]),
  differ('deno', 'OPTIONS * becomes OPTIONS for /*', [missing, 'no path: OPTIONS *']),
  differ(
    ['bun', 'deno'],
    'CONNECT is a method like any other, and the guard rejects a target without a path',
    [
      malformedTarget,
      'no path: CONNECT h.test:80',
      'no path: CONNECT h.test:80, Authorization: Bearer good',
    ],
  ),
  differ('bun', 'CONNECT is a method like any other; only GET and HEAD are public', [
    missing,
    'no path: CONNECT /healthz',
  ]),
  differ(
    'deno',
    'every method is accepted as spelt; only GET and HEAD are public',
    [missing, 'method: get /healthz', 'method: FOO /healthz'],
    [
      allowed(),
      'method: get /admin, Authorization: Bearer good',
      'method: FOO /admin, Authorization: Bearer good',
    ],
  ),
  differ('workerd', 'Content-Length beside Transfer-Encoding is accepted', [
    isPublic,
    'method: GET /healthz, Content-Length: 0, Transfer-Encoding: chunked',
  ]),
]

function forHosts(...hosts: readonly string[]): string[] {
  return hosts.flatMap((host) => [
    `Host: ${host}`,
    ...known('Host', host),
    `Host: ${host} for /public/x`,
  ])
}
