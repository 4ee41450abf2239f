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
import { BROKEN, NOBODY } from './row.ts'
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
  {
    id: 'E11',
    title: '200 with a body without a principal (the class of ingress-nginx CVE-2026-24513)',
    cases: [
      bodied('no body', ''),
      bodied('HTML', HTML),
      bodied('no JSON', '{"principal":"alice"'),
      bodied('JSON and more', '{"principal":"alice"}}'),
      bodied('null', 'null'),
      bodied('a list', '[]'),
      bodied('a string', '"alice"'),
      bodied('a number', '200'),
      bodied('true', 'true'),
      bodied('no principal', '{}'),
      bodied('a principal that is a number', '{"principal":1}'),
      bodied('a principal that is null', '{"principal":null}'),
      bodied('a list of principals', '{"principal":["alice"]}'),
      bodied('attributes that are a list', '{"principal":"alice","attributes":[]}'),
      bodied('an attribute that is a number', '{"principal":"alice","attributes":{"quota":5}}'),
      bodied('bytes that are not valid UTF-8', Buffer.from('{"principal":"al\xffce"}', 'latin1')),
      bodied('NUL', '\0'),
      bodied('an identity', ALICE, 'allow'),
    ],
  },
  {
    id: 'E12',
    title: '200 with a body that breaks off',
    cases: [
      {
        name: 'less than its length',
        fault: once(unframed(LINE_200, LONG, ALICE)),
        expected: BROKEN,
      },
      { name: 'reset in it', fault: reset(unframed(LINE_200, LONG, ALICE)), expected: BROKEN },
      { name: 'reset before it', fault: reset(unframed(LINE_200, LONG)), expected: BROKEN },
      {
        name: 'chunks without an end',
        fault: once(unframed(LINE_200, CHUNKED, chunk(ALICE))),
        expected: BROKEN,
      },
      {
        name: 'reset between chunks',
        fault: reset(unframed(LINE_200, CHUNKED, chunk(ALICE))),
        expected: BROKEN,
      },
      {
        name: 'a chunk without a size',
        fault: once(unframed(LINE_200, CHUNKED, `x\r\n${ALICE}\r\n0\r\n\r\n`)),
        expected: BROKEN,
      },
      {
        name: 'a chunk longer than its size',
        fault: once(unframed(LINE_200, CHUNKED, `2\r\n${ALICE}\r\n0\r\n\r\n`)),
        expected: BROKEN,
      },
      {
        name: 'a chunk of a size past 2^64',
        fault: once(unframed(LINE_200, CHUNKED, `1${'0'.repeat(16)}\r\n${ALICE}`)),
        expected: BROKEN,
      },
    ],
  },
  {
    id: 'E13',
    title: '200 with a body that does not end',
    cases: [
      {
        name: 'a byte every 20 ms',
        fault: dripping(unframed(LINE_200, LONG), 'x'),
        expected: ENDLESS,
      },
      {
        name: 'a byte every 100 ms',
        fault: dripping(unframed(LINE_200, LONG), 'x', 100),
        expected: ENDLESS,
      },
      {
        name: 'a chunk every 20 ms',
        fault: dripping(unframed(LINE_200, CHUNKED), chunk('x')),
        expected: ENDLESS,
      },
      {
        name: 'half of it, then nothing',
        fault: unfinished(unframed(LINE_200, LONG, ALICE)),
        expected: ENDLESS,
      },
      {
        name: 'an identity, then no last chunk',
        fault: unfinished(unframed(LINE_200, CHUNKED, chunk(ALICE))),
        expected: ENDLESS,
      },
      {
        name: 'an identity, and the connection stays open',
        fault: unfinished(unframed(LINE_200, {}, ALICE)),
        expected: ENDLESS,
      },
      {
        name: 'a 401, whose body does not end',
        fault: dripping(unframed('HTTP/1.1 401 No', LONG), 'x'),
        expected: 'denied',
      },
      {
        name: 'a 500, whose body does not end',
        fault: dripping(unframed('HTTP/1.1 500 No', LONG), 'x'),
        expected: 'service_error',
      },
    ],
  },
]
