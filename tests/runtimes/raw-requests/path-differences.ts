import { both, differ, known } from './differences.ts'
import { allowed, byServer, isPublic, malformedTarget, missing, nameOf } from './row.ts'
import type { Difference } from './differences.ts'

const LONG_PATH = `/${'a'.repeat(20_000)}`
const DEEP_PATH = '/a'.repeat(10_000)

/** Those of paths and queries. */
export const PATH_DIFFERENCES: readonly Difference[] = [
  differ(
    ['deno', 'workerd'],
    'dot segments and backslashes stay in the URL, where the guard rejects them; the others resolve them first',
    [
      malformedTarget,
      ...both('dot segment', '/public/../admin', '/public/./../admin', '/public/x/../../admin'),
      ...both('dot segment', '/../admin', '/admin/..', '/admin/../public/x'),
      ...both('dot segment', '/admin/x/../../public/x'),
      ...both('encoded dots', '/public/%2e%2e/admin', '/public/.%2E/admin', '/%2e/admin'),
      ...both('encoded dots', '/admin/%2e%2e/public/x'),
      ...both('backslash', '/public/..\\admin', '/public\\..\\admin', '/admin/..\\public/x'),
      ...both('empty segment', '/public//../admin'),
      ...both('path parameter', '/public;/../admin'),
    ],
  ),
  differ('node-server', 'a backslash in a target is refused', [
    byServer,
    ...both('backslash', '/public/..\\admin', '/public\\..\\admin', '/admin/..\\public/x'),
  ]),
  differ(
    'workerd',
    'a fragment is cut off before there is a URL: guard and handler see what is before it',
    [missing, 'fragment: /public#/../admin', 'fragment: /admin#/public/'],
    [allowed({ path: '/public' }), ...known('fragment', '/public#/../admin')],
    [allowed(), ...known('fragment', '/admin#/public/')],
    [isPublic, ...both('fragment', '/healthz?a#/admin', '/public/x#/admin')],
  ),
  differ('strict-node', 'Node refuses bytes that are not ASCII in a target', [
    byServer,
    ...both('path not ASCII', '/\\xc3\\xa9'),
    'odd characters: a=\\xc3\\xa9',
  ]),
  differ(
    'bun',
    'bytes of a target that are not UTF-8 become U+FFFD',
    [missing, 'path not ASCII: /\\xe9'],
    [allowed({ path: '/%EF%BF%BD' }), ...known('path not ASCII', '/\\xe9')],
    [allowed({ params: { a: '\ufffd' } }), 'odd characters: a=\\xe9'],
  ),
  differ(
    ['deno', 'workerd'],
    'a target may be longer than a head on the others, which is 16 KB',
    [missing, `long path: ${nameOf(LONG_PATH)}`, `long path: ${nameOf(DEEP_PATH)}`],
    [allowed({ path: LONG_PATH }), ...known('long path', nameOf(LONG_PATH))],
    [allowed({ path: DEEP_PATH }), ...known('long path', nameOf(DEEP_PATH))],
    [allowed({ params: { a: 'b'.repeat(60_000) } }), 'large query: a value of 60 KB'],
    [malformedTarget, 'large query: 10,000 parameters'],
  ),
  differ('workerd', 'quotes and angle brackets in a target are refused', [
    byServer,
    ...known('told and run', '/"<>^`{|}'),
    'odd characters: a=</script>',
    'odd characters: a="b"',
  ]),
  differ(
    'node-20.19',
    'a tab in a target is accepted, and a URL parser removes it before the decision',
    [isPublic, ...both('control in path', '/admin\\x09/../healthz', '/healthz\\x09')],
    [missing, 'control in path: /healthz\\x09/admin'],
    [allowed({ path: '/healthz/admin' }), ...known('control in path', '/healthz\\x09/admin')],
  ),
  differ(
    'node-20.19',
    'bytes of a target are Latin-1',
    [missing, 'path not ASCII: /\\xe9'],
    [allowed({ path: '/%C3%83%C2%A9' }), ...known('path not ASCII', '/\\xc3\\xa9')],
    [allowed({ path: '/%C3%A9' }), ...known('path not ASCII', '/\\xe9')],
    [allowed({ params: { a: '\u00c3\u00a9' } }), 'odd characters: a=\\xc3\\xa9'],
    [allowed({ params: { a: '\u00e9' } }), 'odd characters: a=\\xe9'],
  ),
]
