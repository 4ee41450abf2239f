import { NOBODY } from './row.ts'
import type { Deviation } from './row.ts'

const NODE = ['Node', 'Node over undici'] as const

/** Where what asks makes something else of an answer than the rows expect, with the cause. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    runtimes: ['Node'],
    row: 'E8',
    cases: ['407'],
    expected: 'unreachable',
    cause: 'Fetch standard, HTTP-network-or-cache fetch: a 407 without a window is a network error',
  },
  {
    runtimes: NODE,
    row: 'E9',
    cases: ['100, then 200', '100, then nothing'],
    expected: 'unreachable',
    cause: 'undici destroys the connection for a 100 that it did not ask for',
  },
  {
    runtimes: NODE,
    row: 'E10',
    cases: ['HTTP/2.0', 'a NUL in it'],
    expected: 'allow',
    cause: 'llhttp reads the digits of the version, and does not look at the reason',
  },
  {
    runtimes: NODE,
    row: 'E10',
    cases: ['line feeds alone'],
    expected: 'unreachable',
    cause: 'llhttp requires CR LF, though RFC 9112 §2.2 lets a recipient do without the CR',
  },
  {
    runtimes: ['Node'],
    row: 'E15',
    cases: ['gzip 200 times'],
    expected: 'unreachable',
    cause:
      'undici refuses more than five encodings (CVE-2026-22036); the others undo none of a list',
  },
  {
    runtimes: ['Node'],
    row: 'E15',
    cases: ['half of a gzip'],
    expected: NOBODY,
    cause: 'undici unpacks what there is, and takes the end of the body for the end of the gzip',
  },
  {
    runtimes: NODE,
    row: 'E16',
    cases: ['a reason of 200 KB', 'chunks twice'],
    expected: 'allow',
    cause: 'llhttp counts no reason among the headers, and reads "chunked, chunked" as "chunked"',
  },
  {
    runtimes: NODE,
    row: 'E16',
    cases: ['the same length twice', 'a length and chunks'],
    expected: 'unreachable',
    cause: 'llhttp refuses what RFC 9112 §6.3 lets a recipient mend',
  },
  {
    runtimes: ['Node over undici'],
    row: 'E15',
    cases: ['gzip that is none'],
    expected: 'allow',
    cause: 'it asks for plain bytes and decompresses nothing: the bytes are valid JSON',
  },
  {
    runtimes: ['Node over undici'],
    row: 'E15',
    cases: ['deflate that is none', 'br that is none', 'half of a gzip', 'an identity in gzip'],
    expected: NOBODY,
    cause: 'it asks for plain bytes and decompresses nothing: the bytes are not JSON',
  },
  {
    runtimes: ['Bun'],
    row: 'E10',
    cases: ['two blanks'],
    expected: 'allow',
    cause: 'picohttpparser skips all blanks between the version and the status',
  },
  {
    runtimes: ['Bun'],
    row: 'E16',
    cases: ['a header of 200 KB', 'a name of 200 KB', 'a reason of 200 KB'],
    expected: 'allow',
    cause: 'the limit of Bun for all headers is higher',
  },
  {
    runtimes: ['Bun'],
    row: 'E16',
    cases: ['an odd transfer encoding'],
    expected: 'unreachable',
    cause:
      'Bun refuses an encoding that it does not know; the others read until the connection ends (RFC 9112 §6.3)',
  },
  {
    runtimes: ['Deno'],
    row: 'E15',
    cases: ['deflate that is none'],
    expected: NOBODY,
    cause: 'Deno does not undo deflate',
  },
  {
    runtimes: ['Deno'],
    row: 'E16',
    cases: ['a header of 200 KB', 'a reason of 200 KB', 'chunks twice'],
    expected: 'allow',
    cause:
      'hyper counts the headers, up to 100, and the whole head, up to 400 KB; the last encoding decides',
  },
  {
    runtimes: ['workerd'],
    row: 'E15',
    cases: ['deflate that is none'],
    expected: NOBODY,
    cause: 'workerd does not undo deflate',
  },
  {
    runtimes: ['workerd'],
    row: 'E16',
    cases: ['a header of 200 KB', '5,000 headers', 'a reason of 200 KB', 'chunks twice'],
    expected: 'allow',
    cause: 'its limits are higher; the last transfer encoding decides',
  },
]
