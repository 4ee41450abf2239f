import { setTimeout as sleep } from 'node:timers/promises'
import {
  ALICE,
  LINE_200,
  LONG,
  MARKER,
  always,
  chunk,
  ok,
  once,
  response,
  unframed,
} from './answers.ts'
import { faulty, row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Fault } from './fault-server.ts'
import type { Case, Expectation, Row } from './row.ts'

/** E16 and E17: what is wrong with the headers of an answer, and where it ends. */

const MIB = 1024 * 1024

const manyFields = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-field-${index}`, 'x']))

function framed(name: string, fields: string, body: string, expected: Expectation): Case {
  return {
    name,
    fault: once(`${LINE_200}\r\nx-marker: ${MARKER}\r\n${fields}\r\n\r\n${body}`),
    expected,
  }
}

const SMUGGLED = ok(ALICE)
const REFUSED = response('HTTP/1.1 401 No', {}, MARKER)
const TESTS_IN_A_ROW = 200

/** No answer that was not asked for may become the answer of the next question. */
function smuggling(name: string, fault: Fault, count: number, pauseMs: number): Case {
  return {
    name,
    fault,
    expected: ['denied', 'unreachable'],
    steps: async (site) => {
      for (let index = 0; index < count; index += 1) {
        expectVerdict(site, await site.ask(`token${index}`))
        await sleep(pauseMs)
      }
    },
  }
}

export const FRAMING_ROWS: readonly Row[] = [
  row('E16', 'huge and doubled headers', [
    faulty(
      'a header of 200 KB',
      always(ok(ALICE, { 'x-long': 'x'.repeat(200_000) })),
      'unreachable',
    ),
    faulty('5,000 headers', always(ok(ALICE, manyFields(5000))), 'unreachable'),
    faulty(
      'a header of 16 MB',
      always(ok(ALICE, { 'x-long': 'x'.repeat(16 * MIB) })),
      'unreachable',
    ),
    faulty('a name of 200 KB', always(ok(ALICE, { ['x'.repeat(200_000)]: 'x' })), 'unreachable'),
    faulty(
      'a reason of 200 KB',
      always(response(`HTTP/1.1 200 ${'x'.repeat(200_000)}`, {}, ALICE)),
      'unreachable',
    ),
    framed(
      'the same length twice',
      `content-length: ${ALICE.length}\r\ncontent-length: ${ALICE.length}`,
      ALICE,
      'allow',
    ),
    framed(
      'two lengths',
      `content-length: ${ALICE.length}\r\ncontent-length: 2`,
      ALICE,
      'unreachable',
    ),
    framed('a list of lengths', 'content-length: 2, 21', ALICE, 'unreachable'),
    framed('a length below zero', 'content-length: -1', ALICE, 'unreachable'),
    framed('a length that is not a number', 'content-length: x', ALICE, 'unreachable'),
    framed('a length past 2^64', `content-length: 1${'0'.repeat(20)}`, ALICE, 'unreachable'),
    framed(
      'a length and chunks',
      `content-length: 5\r\ntransfer-encoding: chunked`,
      `${chunk(ALICE)}0\r\n\r\n`,
      'allow',
    ),
    framed(
      'chunks twice',
      'transfer-encoding: chunked\r\ntransfer-encoding: chunked',
      `${chunk(ALICE)}0\r\n\r\n`,
      'unreachable',
    ),
    framed('an odd transfer encoding', 'transfer-encoding: odd', ALICE, 'allow'),
    framed('a header without a colon', 'odd', ALICE, 'unreachable'),
    framed('a header without a name', ': odd', ALICE, 'unreachable'),
    framed('a blank before the colon', `content-length : ${ALICE.length}`, ALICE, 'unreachable'),
    framed(
      'a folded header',
      `x-folded: a\r\n b\r\ncontent-length: ${ALICE.length}`,
      ALICE,
      'unreachable',
    ),
    framed(
      'a NUL in a header',
      `x-nul: a\0b\r\ncontent-length: ${ALICE.length}`,
      ALICE,
      'unreachable',
    ),
    framed(
      'a CR in a header',
      `x-cr: a\rb\r\ncontent-length: ${ALICE.length}`,
      ALICE,
      'unreachable',
    ),
  ]),
  row('E17', 'more bytes than the answer (undici CVE-2026-1525, Traefik CVE-2026-71324)', [
    smuggling('a 200 behind each 401', always(REFUSED, SMUGGLED), TESTS_IN_A_ROW, 0),
    smuggling(
      'a 200 behind each 204',
      always(unframed('HTTP/1.1 204 No Content'), SMUGGLED),
      20,
      0,
    ),
    smuggling(
      'a 200 in the body of a 304',
      always(unframed('HTTP/1.1 304 Same', LONG), SMUGGLED),
      20,
      0,
    ),
    smuggling(
      'a 200 some time after each 401',
      {
        onQuestion: (socket) => {
          socket.write(REFUSED)
          setTimeout(() => socket.writable && socket.write(SMUGGLED), 30)
        },
      },
      10,
      80,
    ),
  ]),
]
