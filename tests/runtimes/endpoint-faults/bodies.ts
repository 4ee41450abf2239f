import {
  ALICE,
  CHUNKED,
  LINE_200,
  LONG,
  MARKER,
  always,
  chunk,
  dripping,
  ok,
  once,
  unfinished,
  unframed,
} from './answers.ts'
import { BROKEN, NOBODY, faulty, row } from './row.ts'
import type { Fault } from './fault-server.ts'
import type { Case, Expectation, Row } from './row.ts'

/** E11 to E13: a 200 whose body has no principal, breaks off or never ends. */

const ENDLESS: Expectation = { optional: 'allow', required: 'timeout' }

const HTML = `<!doctype html><html><body>${MARKER}</body></html>`

function bodied(name: string, body: string | Buffer, expected: Expectation = NOBODY): Case {
  return { name, fault: always(ok(body)), expected }
}

function reset(bytes: Buffer): Fault {
  return {
    onQuestion: (socket) =>
      socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 50)),
  }
}

export const BODY_ROWS: readonly Row[] = [
  row('E11', '200 with a body without a principal (the class of ingress-nginx CVE-2026-24513)', [
    bodied('no body', ''),
    bodied('HTML', HTML),
    bodied('no JSON', '{"principal":"alice"'),
    bodied('bytes that are not valid UTF-8', Buffer.from('{"principal":"al\xffce"}', 'latin1')),
    bodied('NUL', '\0'),
    bodied('an identity', ALICE, 'allow'),
  ]),
  row('E12', '200 with a body that breaks off', [
    faulty('less than its length', once(unframed(LINE_200, LONG, ALICE)), BROKEN),
    faulty('reset in it', reset(unframed(LINE_200, LONG, ALICE)), BROKEN),
    faulty('reset before it', reset(unframed(LINE_200, LONG)), BROKEN),
    faulty('chunks without an end', once(unframed(LINE_200, CHUNKED, chunk(ALICE))), BROKEN),
    faulty('reset between chunks', reset(unframed(LINE_200, CHUNKED, chunk(ALICE))), BROKEN),
    faulty(
      'a chunk without a size',
      once(unframed(LINE_200, CHUNKED, `x\r\n${ALICE}\r\n0\r\n\r\n`)),
      BROKEN,
    ),
    faulty(
      'a chunk longer than its size',
      once(unframed(LINE_200, CHUNKED, `2\r\n${ALICE}\r\n0\r\n\r\n`)),
      BROKEN,
    ),
    faulty(
      'a chunk of a size past 2^64',
      once(unframed(LINE_200, CHUNKED, `1${'0'.repeat(16)}\r\n${ALICE}`)),
      BROKEN,
    ),
  ]),
  row('E13', '200 with a body that does not end', [
    faulty('a byte every 20 ms', dripping(unframed(LINE_200, LONG), 'x'), ENDLESS),
    faulty('a byte every 100 ms', dripping(unframed(LINE_200, LONG), 'x', 100), ENDLESS),
    faulty('a chunk every 20 ms', dripping(unframed(LINE_200, CHUNKED), chunk('x')), ENDLESS),
    faulty('half of it, then nothing', unfinished(unframed(LINE_200, LONG, ALICE)), ENDLESS),
    faulty(
      'an identity, then no last chunk',
      unfinished(unframed(LINE_200, CHUNKED, chunk(ALICE))),
      ENDLESS,
    ),
    faulty(
      'an identity, and the connection stays open',
      unfinished(unframed(LINE_200, {}, ALICE)),
      ENDLESS,
    ),
    faulty(
      'a 401, whose body does not end',
      dripping(unframed('HTTP/1.1 401 No', LONG), 'x'),
      'denied',
    ),
    faulty(
      'a 500, whose body does not end',
      dripping(unframed('HTTP/1.1 500 No', LONG), 'x'),
      'service_error',
    ),
  ]),
]
