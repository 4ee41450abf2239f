import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createDeflate, createGzip, gzipSync } from 'node:zlib'
import { expect, vi } from 'vitest'
import {
  ALICE,
  CHUNKED,
  LINE_200,
  MARKER,
  always,
  chunk,
  flooding,
  ok,
  unframed,
} from './answers.ts'
import { BROKEN, NOBODY } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Transform } from 'node:stream'
import type { Case, Expectation, Row, RuntimeName } from './row.ts'
import type { Site } from './site.ts'

/** E14 and E15: more than anybody wants, plain and packed. */

const MIB = 1024 * 1024
const TOO_LONG = NOBODY

// Packed, it fits into one read from a socket.
const BOMB_MIB = 256
/** The memory that one check may add to its process, in MiB, for a response of any size. */
const GROWTH: Readonly<Record<RuntimeName, number>> = {
  Node: 96,
  'Node by its dispatcher': 96,
  'Node over undici': 96,
  // Bun decompresses all of each read on the one thread that makes every call, even after the body was dropped.
  // Only the size of the bomb limits the memory, and no other call is answered in the meantime.
  Bun: 2 * BOMB_MIB,
  Deno: 96,
  workerd: 96,
}
// The size of the socket buffers, on top of the bytes that were read.
const TAKEN = 24 * MIB
const PLAIN = 'plain'
// Until another call is answered.
const RECOVERED_MS = 10_000

/** Does something while only so much memory is used. */
async function expectLittleMemory({ target }: Site, task: () => Promise<void>): Promise<void> {
  const before = target.memory()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, target.memory())
  }, 5)
  await task().finally(() => clearInterval(timer))
  expect(most - before).toBeLessThan(GROWTH[target.runtime])
}

/** However much is sent, only so much is taken off the socket. */
async function expectLittle(site: Site): Promise<void> {
  await expectLittleMemory(site, async () => {
    expectVerdict(site, await site.ask())
    await site.settle()
  })
  expect(site.endpoint.sentBytes()).toBeLessThan(TAKEN)
}

function* zeros(): Generator<Buffer> {
  const piece = Buffer.alloc(MIB)
  for (let count = 0; count < BOMB_MIB; count += 1) yield piece
}

const createFastBrotli = (): Transform =>
  createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

function bombed(encoding: string, createPacker: () => Transform): Case {
  let packed: Promise<Buffer> | undefined
  let bytes: Buffer | undefined
  return {
    name: `a ${encoding} bomb`,
    fault: {
      onQuestion: (socket, { token }) =>
        socket.write(token === PLAIN ? ok() : ok(bytes, { 'content-encoding': encoding })),
    },
    expected: TOO_LONG,
    steps: async (site) => {
      // Made once for all of the runs.
      packed ??= buffer(Readable.from(zeros()).pipe(createPacker()))
      bytes = await packed
      await expectLittleMemory(site, async () => {
        expectVerdict(site, await site.ask())
        const recovered = async (): Promise<void> =>
          expectVerdict(site, await site.ask(PLAIN), 'allow')
        await vi.waitFor(recovered, { timeout: RECOVERED_MS })
      })
    },
  }
}

function encoded(
  name: string,
  encoding: string,
  body: string | Buffer,
  expected: Expectation,
): Case {
  return { name, fault: always(ok(body, { 'content-encoding': encoding })), expected }
}

const HTML = `<!doctype html><html><body>${MARKER}</body></html>`

export const FLOOD_ROWS: readonly Row[] = [
  {
    id: 'E14',
    title: 'an infinite body (Traefik CVE-2026-26998)',
    alone: true,
    cases: [
      {
        name: 'by its length',
        line: LINE_200,
        fields: { 'content-length': 1e12 },
        piece: 'x'.repeat(65_536),
      },
      { name: 'in chunks', line: LINE_200, fields: CHUNKED, piece: chunk('x'.repeat(65_536)) },
      { name: 'until it closes', line: LINE_200, fields: {}, piece: 'x'.repeat(65_536) },
      {
        name: 'of a 401',
        line: 'HTTP/1.1 401 No',
        fields: CHUNKED,
        piece: chunk('x'.repeat(65_536)),
      },
    ].map(({ name, line, fields, piece }) => ({
      name,
      fault: flooding(unframed(line, fields), piece),
      expected: line === LINE_200 ? TOO_LONG : 'denied',
      steps: expectLittle,
    })),
  },
  {
    id: 'E15',
    title: 'a gzip bomb and stacked encodings (undici CVE-2026-22036)',
    alone: true,
    cases: [
      bombed('gzip', createGzip),
      bombed('deflate', createDeflate),
      bombed('br', createFastBrotli),
      encoded('gzip 200 times', Array(200).fill('gzip').join(', '), ALICE, 'allow'),
      encoded('gzip that is none', 'gzip', ALICE, BROKEN),
      encoded('deflate that is none', 'deflate', HTML, BROKEN),
      encoded('br that is none', 'br', HTML, BROKEN),
      encoded('half of a gzip', 'gzip', gzipSync(ALICE).subarray(0, 15), BROKEN),
      encoded('an unknown encoding', 'odd', ALICE, 'allow'),
      encoded('an identity in gzip', 'gzip', gzipSync(ALICE), 'allow'),
    ],
  },
]
