import { setTimeout as sleep } from 'node:timers/promises'
import {
  ALICE,
  always,
  chunk,
  LINE_200,
  LONG,
  MARKER,
  ok,
  once,
  response,
  unframed,
} from './answers.ts'
import { faulty, NODE, on } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Fault } from './fault-server.ts'
import type { Case, Deviation, Expectation, Row } from './row.ts'

/** Answers with wrong headers, and answers whose end is wrong. */

const KB_200 = 'x'.repeat(200_000)
const MB_16 = 'x'.repeat(16 * 1024 * 1024)
const CHUNKS = `${chunk(ALICE)}0\r\n\r\n`
const LENGTH = `content-length: ${ALICE.length}`

const manyFields = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-field-${index}`, 'x']))

function huge(name: string, bytes: Buffer, ...deviations: Deviation[]): Case {
  return faulty(name, always(bytes), 'unreachable', ...deviations)
}

function framed(
  name: string,
  fields: string,
  { body = ALICE, expected = 'unreachable' }: { body?: string; expected?: Expectation } = {},
  ...deviations: Deviation[]
): Case {
  const bytes = `${LINE_200}\r\nx-marker: ${MARKER}\r\n${fields}\r\n\r\n${body}`
  return faulty(name, once(bytes), expected, ...deviations)
}

const SMUGGLED = ok(ALICE)
const REFUSED = response('HTTP/1.1 401 No', {}, MARKER)

/** No answer that was not asked for may become the answer of the next question. */
function smuggling(name: string, fault: Fault, count: number, pauseMs = 0): Case {
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
  {
    // The limits of Bun and workerd are higher. hyper in Deno counts up to 100 headers, and up to 400 KB in all.
    title: 'huge headers',
    cases: [
      huge(
        'a header of 200 KB',
        ok(ALICE, { 'x-long': KB_200 }),
        on(['Bun', 'Deno', 'workerd'], 'allow'),
      ),
      huge('5,000 headers', ok(ALICE, manyFields(5000)), on('workerd', 'allow')),
      huge('a header of 16 MB', ok(ALICE, { 'x-long': MB_16 })),
      huge('a name of 200 KB', ok(ALICE, { [KB_200]: 'x' }), on('Bun', 'allow')),
      // llhttp counts no reason among the headers.
      huge(
        'a reason of 200 KB',
        response(`HTTP/1.1 200 ${KB_200}`, {}, ALICE),
        on([...NODE, 'Bun', 'Deno', 'workerd'], 'allow'),
      ),
    ],
  },
  {
    title: 'doubled and invalid headers',
    cases: [
      // llhttp refuses what RFC 9112 §6.3 lets a recipient mend.
      framed(
        'the same length twice',
        `${LENGTH}\r\n${LENGTH}`,
        { expected: 'allow' },
        on(NODE, 'unreachable'),
      ),
      framed(
        'a length and chunks',
        `content-length: 5\r\ntransfer-encoding: chunked`,
        { body: CHUNKS, expected: 'allow' },
        on(NODE, 'unreachable'),
      ),
      framed('two lengths', `${LENGTH}\r\ncontent-length: 2`),
      framed('a list of lengths', 'content-length: 2, 21'),
      framed('a length below zero', 'content-length: -1'),
      framed('a length that is not a number', 'content-length: x'),
      framed('a length past 2^64', `content-length: 1${'0'.repeat(20)}`),
      // The last one decides, or "chunked, chunked" is "chunked".
      framed(
        'chunks twice',
        'transfer-encoding: chunked\r\ntransfer-encoding: chunked',
        { body: CHUNKS },
        on([...NODE, 'Deno', 'workerd'], 'allow'),
      ),
      // Bun refuses an encoding that it does not know. The others read until the connection ends (RFC 9112 §6.3).
      framed(
        'an odd transfer encoding',
        'transfer-encoding: odd',
        { expected: 'allow' },
        on('Bun', 'unreachable'),
      ),
      framed('a header without a colon', 'odd'),
      framed('a header without a name', ': odd'),
      framed('a blank before the colon', `content-length : ${ALICE.length}`),
      framed('a folded header', `x-folded: a\r\n b\r\n${LENGTH}`),
      framed('a NUL in a header', `x-nul: a\0b\r\n${LENGTH}`),
      framed('a CR in a header', `x-cr: a\rb\r\n${LENGTH}`),
    ],
  },
  {
    title: 'more bytes than the answer (undici CVE-2026-1525, Traefik CVE-2026-71324)',
    cases: [
      smuggling('a 200 behind each 401', always(REFUSED, SMUGGLED), 200),
      smuggling('a 200 behind each 204', always(unframed('HTTP/1.1 204 No'), SMUGGLED), 20),
      smuggling(
        'a 200 in the body of a 304',
        always(unframed('HTTP/1.1 304 Same', LONG), SMUGGLED),
        20,
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
    ],
  },
]
