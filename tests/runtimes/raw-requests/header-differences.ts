import { differ } from './differences.ts'
import { allowed, byServer, denied, malformed, malformedTarget, missing } from './row.ts'
import type { Difference } from './differences.ts'

export const HEADER_DIFFERENCES: readonly Difference[] = [
  differ(
    'workerd',
    'a vertical tab and a form feed are accepted in a value, and the guard rejects them',
    [malformed, 'A-H5 a vertical tab', 'A-H5 a form feed'],
  ),
  differ(['bun', 'workerd'], 'a DEL is accepted in a value, and the guard rejects it', [
    malformed,
    'A-H12 a DEL',
  ]),
  differ(
    ['deno', 'workerd'],
    'a bare line feed ends a line: what follows is one more header of the client',
    [denied({ token: 'evil' }), 'A-H12 a bare LF and a header'],
    [allowed(), 'A-H12 a bare LF and a token'],
  ),
  differ('workerd', 'a head may have more than 64 KB, and the guard rejects the token', [
    malformed,
    'A-H14 64 KB',
  ]),
  differ(['bun', 'deno'], 'fewer than 200 headers are accepted', [byServer, 'A-H15 200']),
  differ('older-node', 'headers after the 2,000th are dropped: the token is one of them', [
    missing,
    'A-H15 2,000',
  ]),
  differ(
    'node-20.19',
    'a blank before the colon, and a line without a name, are accepted and count for nothing',
    [missing, 'A-H13 a space', 'A-H13 no name'],
  ),
  differ('workerd', 'headers are limited in size, and not in number', [allowed(), 'A-H15 2,000']),
  differ('workerd', 'headers may have more than 64 KiB, and the guard rejects the request', [
    malformedTarget,
    'A-H15 more than 64 KiB of them',
  ]),
  differ('node-server', 'a Host that does not come out of a URL parser as it went in is refused', [
    byServer,
    'A-H20 a quote and a blank in Host',
  ]),
  differ('srvx', 'a Host that is none becomes "_invalid_" in the URL, so that the path counts', [
    missing,
    'A-H20 a quote and a blank in Host',
  ]),
  differ('bun', 'with a Host that is none the URL is a path alone, which the guard rejects', [
    malformedTarget,
    'A-H20 a quote in Host',
  ]),
]
