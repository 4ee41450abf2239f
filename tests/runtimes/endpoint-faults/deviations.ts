import { NOBODY } from './row.ts'
import type { Expectation, RuntimeName } from './row.ts'

/** Cases of a row that end differently on some runtimes. */
interface Deviation {
  readonly runtimes: readonly RuntimeName[]
  readonly row: string
  readonly expected: Expectation
  /** The names of the cases. */
  readonly cases: readonly string[]
}

/** Those that unpack by `fetch`. */
const FETCHING = ['Node', 'Node by its dispatcher'] as const
const NODE = ['Node', 'Node by its dispatcher', 'Node over undici'] as const

/** A comment before each says the cause. */
export const DEVIATIONS: readonly Deviation[] = [
  // Fetch standard, HTTP-network-or-cache fetch: a 407 without a window is a network error
  differ(FETCHING, 'E8', 'unreachable', '407'),
  // undici destroys the connection for a 100 that it did not ask for
  differ(NODE, 'E9', 'unreachable', '100, then 200', '100, then nothing'),
  // llhttp reads the digits of the version, and does not look at the reason
  differ(NODE, 'E10', 'allow', 'HTTP/2.0', 'a NUL in it'),
  // llhttp requires CR LF, though RFC 9112 §2.2 lets a recipient do without the CR
  differ(NODE, 'E10', 'unreachable', 'line feeds alone'),
  // undici refuses more than five encodings (CVE-2026-22036); the others undo none of a list
  differ(FETCHING, 'E15', 'unreachable', 'gzip 200 times'),
  // undici unpacks what there is, and takes the end of the body for the end of the gzip
  differ(FETCHING, 'E15', NOBODY, 'half of a gzip'),
  // llhttp counts no reason among the headers, and reads "chunked, chunked" as "chunked"
  differ(NODE, 'E16', 'allow', 'a reason of 200 KB', 'chunks twice'),
  // llhttp refuses what RFC 9112 §6.3 lets a recipient mend
  differ(NODE, 'E16', 'unreachable', 'the same length twice', 'a length and chunks'),
  // It asks for plain bytes and decompresses nothing: the bytes are valid JSON
  differ('Node over undici', 'E15', 'allow', 'gzip that is none'),
  // It asks for plain bytes and decompresses nothing: the bytes are not JSON
  differ(
    'Node over undici',
    'E15',
    NOBODY,
    'deflate that is none',
    'br that is none',
    'half of a gzip',
    'an identity in gzip',
  ),
  // picohttpparser skips all blanks between the version and the status
  differ('Bun', 'E10', 'allow', 'two blanks'),
  // The limit of Bun for all headers is higher
  differ('Bun', 'E16', 'allow', 'a header of 200 KB', 'a name of 200 KB', 'a reason of 200 KB'),
  // Bun refuses an encoding that it does not know; the others read until the connection ends (RFC 9112 §6.3)
  differ('Bun', 'E16', 'unreachable', 'an odd transfer encoding'),
  // Deno does not undo deflate
  differ('Deno', 'E15', NOBODY, 'deflate that is none'),
  // hyper counts the headers, up to 100, and the whole head, up to 400 KB; the last encoding decides
  differ('Deno', 'E16', 'allow', 'a header of 200 KB', 'a reason of 200 KB', 'chunks twice'),
  // workerd does not undo deflate
  differ('workerd', 'E15', NOBODY, 'deflate that is none'),
  // Its limits are higher; the last transfer encoding decides
  differ(
    'workerd',
    'E16',
    'allow',
    'a header of 200 KB',
    '5,000 headers',
    'a reason of 200 KB',
    'chunks twice',
  ),
]

function differ(
  runtimes: RuntimeName | readonly RuntimeName[],
  row: string,
  expected: Expectation,
  ...cases: readonly string[]
): Deviation {
  return { runtimes: [runtimes].flat(), row, expected, cases }
}
