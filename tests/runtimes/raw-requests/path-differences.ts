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
      ...both('A-P1', '/public/../admin', '/public/./../admin', '/public/x/../../admin'),
      ...both('A-P1', '/../admin', '/admin/..', '/admin/../public/x'),
      ...both('A-P1', '/admin/x/../../public/x'),
      ...both('A-P2', '/public/%2e%2e/admin', '/public/.%2E/admin', '/%2e/admin'),
      ...both('A-P2', '/admin/%2e%2e/public/x'),
      ...both('A-P4', '/public/..\\admin', '/public\\..\\admin', '/admin/..\\public/x'),
      ...both('A-P5', '/public//../admin'),
      ...both('A-P8', '/public;/../admin'),
    ],
  ),
  differ('node-server', 'a backslash in a target is refused', [
    byServer,
    ...both('A-P4', '/public/..\\admin', '/public\\..\\admin', '/admin/..\\public/x'),
  ]),
  differ(
    'workerd',
    'a fragment is cut off before there is a URL: guard and handler see what is before it',
    [missing, 'A-P10 /public#/../admin', 'A-P10 /admin#/public/'],
    [allowed({ path: '/public' }), ...known('A-P10', '/public#/../admin')],
    [allowed(), ...known('A-P10', '/admin#/public/')],
    [isPublic, ...both('A-P10', '/healthz?a#/admin', '/public/x#/admin')],
  ),
  differ('strict-node', 'Node refuses bytes that are not ASCII in a target', [
    byServer,
    ...both('A-P14', '/\\xc3\\xa9'),
    'A-Q7 a=\\xc3\\xa9',
  ]),
  differ(
    'bun',
    'bytes of a target that are not UTF-8 become U+FFFD',
    [missing, 'A-P14 /\\xe9'],
    [allowed({ path: '/%EF%BF%BD' }), ...known('A-P14', '/\\xe9')],
    [allowed({ params: { a: '\ufffd' } }), 'A-Q7 a=\\xe9'],
  ),
  differ(
    ['deno', 'workerd'],
    'a target may be longer than a head on the others, which is 16 KB',
    [missing, `A-P17 ${nameOf(LONG_PATH)}`, `A-P17 ${nameOf(DEEP_PATH)}`],
    [allowed({ path: LONG_PATH }), ...known('A-P17', nameOf(LONG_PATH))],
    [allowed({ path: DEEP_PATH }), ...known('A-P17', nameOf(DEEP_PATH))],
    [allowed({ params: { a: 'b'.repeat(60_000) } }), 'A-Q4 a value of 60 KB'],
    [malformedTarget, 'A-Q4 10,000 parameters'],
  ),
  differ('workerd', 'quotes and angle brackets in a target are refused', [
    byServer,
    ...known('A-P23', '/"<>^`{|}'),
    'A-Q7 a=</script>',
    'A-Q7 a="b"',
  ]),
  differ(
    'node-20.19',
    'a tab in a target is accepted, and a URL parser removes it before the decision',
    [isPublic, ...both('A-P9', '/admin\\x09/../healthz', '/healthz\\x09')],
    [missing, 'A-P9 /healthz\\x09/admin'],
    [allowed({ path: '/healthz/admin' }), ...known('A-P9', '/healthz\\x09/admin')],
  ),
  differ(
    'node-20.19',
    'bytes of a target are Latin-1',
    [missing, 'A-P14 /\\xe9'],
    [allowed({ path: '/%C3%83%C2%A9' }), ...known('A-P14', '/\\xc3\\xa9')],
    [allowed({ path: '/%C3%A9' }), ...known('A-P14', '/\\xe9')],
    [allowed({ params: { a: '\u00c3\u00a9' } }), 'A-Q7 a=\\xc3\\xa9'],
    [allowed({ params: { a: '\u00e9' } }), 'A-Q7 a=\\xe9'],
  ),
]
