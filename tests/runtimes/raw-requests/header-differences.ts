import { differ } from './differences.ts'
import { allowed, byServer, denied, malformed, malformedTarget, missing } from './row.ts'
import type { Difference } from './differences.ts'

export const HEADER_DIFFERENCES: readonly Difference[] = [
  differ(
    'workerd',
    'a vertical tab and a form feed are accepted in a value, and the guard rejects them',
    [malformed, 'another blank: a vertical tab', 'another blank: a form feed'],
  ),
  differ(['bun', 'workerd'], 'a DEL is accepted in a value, and the guard rejects it', [
    malformed,
    'control: a DEL',
  ]),
  differ(
    ['deno', 'workerd'],
    'a bare line feed ends a line: what follows is one more header of the client',
    [denied({ token: 'evil' }), 'control: a bare LF and a header'],
    [allowed(), 'control: a bare LF and a token'],
  ),
  differ('workerd', 'a head may have more than 64 KB, and the guard rejects the token', [
    malformed,
    'length: 64 KB',
  ]),
  differ(['bun', 'deno'], 'fewer than 200 headers are accepted', [byServer, 'many headers: 200']),
  differ('older-node', 'headers after the 2,000th are dropped: the token is one of them', [
    missing,
    'many headers: 2,000',
  ]),
  differ(
    'node-20.19',
    'a blank before the colon, and a line without a name, are accepted and count for nothing',
    [missing, 'before the colon: a space', 'before the colon: no name'],
  ),
  differ('workerd', 'headers are limited in size, and not in number', [
    allowed(),
    'many headers: 2,000',
  ]),
  differ('workerd', 'headers may have more than 64 KiB, and the guard rejects the request', [
    malformedTarget,
    'many headers: more than 64 KiB of them',
  ]),
  differ('node-server', 'a Host that does not come out of a URL parser as it went in is refused', [
    byServer,
    'challenge: a quote and a blank in Host',
  ]),
  differ('srvx', 'a Host that is none becomes "_invalid_" in the URL, so that the path counts', [
    missing,
    'challenge: a quote and a blank in Host',
  ]),
  differ('bun', 'with a Host that is none the URL is a path alone, which the guard rejects', [
    malformedTarget,
    'challenge: a quote in Host',
  ]),
]
