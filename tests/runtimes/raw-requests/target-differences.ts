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
    'A-P13 two, the bad one first',
  ]),
  differ(
    'srvx',
    'a Host that is none becomes "_invalid_" in the URL, so that the path counts; the guard sees Host, and nothing is public',
    [
      missing,
      ...BAD_HOSTS.flatMap((host) => [`A-P13 ${host}`, `A-P13 ${host} for /public/x`]),
      'A-P13 two, the bad one first',
    ],
    [allowed(), ...known('A-P13', ...BAD_HOSTS, ...HOSTS_WITH_PATH)],
  ),
  differ('bun', 'without a Host that is one the URL is a path alone, which the guard rejects', [
    malformedTarget,
    ...forHosts(...HOSTS_WITH_PATH, 'nothing'),
    'A-P13 none in HTTP/1.0',
  ]),
  differ('workerd', 'a request without a Host is refused', [
    byServer,
    ...forHosts('nothing'),
    'A-P13 none in HTTP/1.0',
  ]),
  differ('deno', 'HTTP/1.1 without a Host is accepted', [missing, 'A-P13 none']),
  differ('deno', 'a second Host is refused', [
    byServer,
    'A-P13 two',
    'A-P13 two that are the same',
    'A-P13 two for /public/x',
    'A-P13 two, the bad one first',
  ]),
  differ('workerd', 'two Hosts are joined, and the guard rejects the blank between them', [
    malformedTarget,
    'A-P13 two',
    'A-P13 two that are the same',
    'A-P13 two for /public/x',
  ]),
  differ(
    'node-server',
    'userinfo of the absolute form stays in the URL, where the guard rejects it',
    [malformedTarget, 'A-P12 http://x@h.test/healthz'],
  ),
  differ(
    'deno',
    'the absolute form becomes the URL unchanged; the guard rejects another scheme, userinfo, and no path',
    [
      malformedTarget,
      'A-P12 http://x@h.test/healthz',
      'A-P12 http://h.test?/healthz',
      ...both('A-P12', 'http://h.test\\public/admin'),
      'A-P12 http://h.test#/healthz',
      'A-P12 ftp://h.test/healthz',
    ],
  ),
  differ(
    'bun',
    'the absolute form is cut at the first slash: guard and handler see what is after it',
    [missing, 'A-P12 http://h.test\\public/admin'],
    [allowed(), ...known('A-P12', 'http://h.test\\public/admin')],
    [isPublic, 'A-P12 http://h.test#/healthz'],
  ),
  differ(
    'workerd',
    'scheme, authority and fragment of the absolute form are cut off: / and /healthz',
    [isPublic, 'A-P12 http://h.test#/healthz', 'A-P12 ftp://h.test/healthz'],
  ),
  differ('workerd', 'a target without a slash becomes /, which is public here', [
    isPublic,
    'A-P16 GET admin',
    'A-P16 GET healthz',
  ]),
  differ(
    'workerd',
    'an asterisk is put after the host, and the guard rejects a URL without a path',
    [malformedTarget, 'A-P16 GET *', 'A-P16 OPTIONS *'],
  ),
  differ('srvx', 'an asterisk becomes the path /*', [missing, 'A-P16 GET *', 'A-P16 OPTIONS *']),
  differ('deno', 'OPTIONS * becomes OPTIONS for /*', [missing, 'A-P16 OPTIONS *']),
  differ(
    ['bun', 'deno'],
    'CONNECT is a method like any other, and the guard rejects a target without a path',
    [
      malformedTarget,
      'A-P16 CONNECT h.test:80',
      'A-P16 CONNECT h.test:80, Authorization: Bearer good',
    ],
  ),
  differ('bun', 'CONNECT is a method like any other; only GET and HEAD are public', [
    missing,
    'A-P16 CONNECT /healthz',
  ]),
  differ(
    'deno',
    'every method is accepted as spelt; only GET and HEAD are public',
    [missing, 'A-P19 get /healthz', 'A-P19 FOO /healthz'],
    [
      allowed(),
      'A-P19 get /admin, Authorization: Bearer good',
      'A-P19 FOO /admin, Authorization: Bearer good',
    ],
  ),
  differ('workerd', 'Content-Length beside Transfer-Encoding is accepted', [
    isPublic,
    'A-P19 GET /healthz, Content-Length: 0, Transfer-Encoding: chunked',
  ]),
]

function forHosts(...hosts: readonly string[]): string[] {
  return hosts.flatMap((host) => [
    `A-P13 ${host}`,
    ...known('A-P13', host),
    `A-P13 ${host} for /public/x`,
  ])
}
