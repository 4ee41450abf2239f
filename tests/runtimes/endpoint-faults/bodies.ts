import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createDeflate, createGzip, gzipSync } from 'node:zlib'
import { expect, vi } from 'vitest'
import {
  ALICE,
  always,
  chunk,
  CHUNKED,
  dripping,
  flooding,
  LINE_200,
  LONG,
  MARKER,
  ok,
  once,
  unfinished,
  unframed,
} from './answers.ts'
import { BROKEN, faulty, FETCHING, NOBODY, on } from './row.ts'
import { expectVerdict } from './site.ts'
import { readMemory } from '../support/server-process.ts'
import type { Transform } from 'node:stream'
import type { Fault } from './fault-server.ts'
import type { Case, Deviation, Expectation, Row, RuntimeName } from './row.ts'
import type { Site } from './site.ts'

/** A 200 whose body has no principal, breaks off, never ends, or is more than anybody wants. */

const ENDLESS: Expectation = { optional: 'allow', required: 'timeout' }
const HTML = `<!doctype html><html><body>${MARKER}</body></html>`
const LINE_401 = 'HTTP/1.1 401 No'

function reset(bytes: Buffer): Fault {
  return {
    onQuestion: (socket) =>
      socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 50)),
  }
}

/** A body in chunks that are none, and the end of the connection. */
function chunked(body: string): Fault {
  return once(unframed(LINE_200, CHUNKED, body))
}

const MIB = 1024 * 1024
// Packed, it fits into one read from a socket.
const BOMB_MIB = 256
/** The memory that one check may add to its process, in MiB, for a response of any size. */
const GROWTH = 96
// Bun decompresses all of each read on the one thread that makes every call, even after the body was dropped.
// Only the size of the bomb limits the memory, and no other call is answered in the meantime.
const GROWTH_ON: Partial<Readonly<Record<RuntimeName, number>>> = { Bun: 2 * BOMB_MIB }
// The size of the socket buffers, on top of the bytes that were read.
const TAKEN = 24 * MIB
const PLAIN = 'plain'
// Until another call is answered.
const RECOVERED_MS = 10_000

/** Does something while only so much memory is used. */
async function expectLittleMemory({ target }: Site, task: () => Promise<void>): Promise<void> {
  const memory = (): number => readMemory(target.server.pid).now
  const before = memory()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, memory())
  }, 5)
  await task().finally(() => clearInterval(timer))
  expect(most - before).toBeLessThan(GROWTH_ON[target.runtime] ?? GROWTH)
}

/** However much is sent, only so much is taken off the socket. */
async function expectLittle(site: Site): Promise<void> {
  await expectLittleMemory(site, async () => {
    expectVerdict(site, await site.ask())
    await site.settle()
  })
  expect(site.endpoint.sentBytes()).toBeLessThan(TAKEN)
}

const PIECE = 'x'.repeat(65_536)

function infinite(name: string, head: Buffer, piece: string, expected: Expectation): Case {
  return { ...faulty(name, flooding(head, piece), expected), steps: expectLittle }
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
    expected: NOBODY,
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
  ...deviations: Deviation[]
): Case {
  const bytes = ok(body, { 'content-encoding': encoding })
  return faulty(name, always(bytes), expected, ...deviations)
}

/** It asks for plain bytes and decompresses nothing, so the bytes are not JSON. */
const PACKED = on('Node over undici', NOBODY)

export const BODY_ROWS: readonly Row[] = [
  {
    title: '200 with a body without a principal (the class of ingress-nginx CVE-2026-24513)',
    nightly: true,
    cases: [
      faulty('no body', always(ok('')), NOBODY),
      faulty('HTML', always(ok(HTML)), NOBODY),
      faulty('no JSON', always(ok('{"principal":"alice"')), NOBODY),
      faulty(
        'bytes that are not valid UTF-8',
        always(ok(Buffer.from('{"principal":"al\xffce"}', 'latin1'))),
        NOBODY,
      ),
      faulty('an identity', always(ok()), 'allow'),
    ],
  },
  {
    title: '200 with a body that breaks off',
    cases: [
      faulty('less than its length', once(unframed(LINE_200, LONG, ALICE)), BROKEN),
      faulty('reset in it', reset(unframed(LINE_200, LONG, ALICE)), BROKEN),
      faulty('reset before it', reset(unframed(LINE_200, LONG)), BROKEN),
      faulty('chunks without an end', chunked(chunk(ALICE)), BROKEN),
      faulty('reset between chunks', reset(unframed(LINE_200, CHUNKED, chunk(ALICE))), BROKEN),
      faulty('a chunk without a size', chunked(`x\r\n${ALICE}\r\n0\r\n\r\n`), BROKEN),
      faulty('a chunk longer than its size', chunked(`2\r\n${ALICE}\r\n0\r\n\r\n`), BROKEN),
      faulty('a chunk of a size past 2^64', chunked(`1${'0'.repeat(16)}\r\n${ALICE}`), BROKEN),
    ],
  },
  {
    title: '200 with a body that does not end',
    cases: [
      faulty('a byte every 20 ms', dripping(unframed(LINE_200, LONG), 'x'), ENDLESS),
      faulty('a byte every 100 ms', dripping(unframed(LINE_200, LONG), 'x', 100), ENDLESS),
      faulty('a chunk every 20 ms', dripping(unframed(LINE_200, CHUNKED), chunk('x')), ENDLESS),
      faulty('half of it, then nothing', unfinished(unframed(LINE_200, LONG, ALICE)), ENDLESS),
      faulty('no last chunk', unfinished(unframed(LINE_200, CHUNKED, chunk(ALICE))), ENDLESS),
      faulty('no length, and no end', unfinished(unframed(LINE_200, {}, ALICE)), ENDLESS),
      faulty('that of a 401', dripping(unframed(LINE_401, LONG), 'x'), 'denied'),
      faulty('that of a 500', dripping(unframed('HTTP/1.1 500 No', LONG), 'x'), 'service_error'),
    ],
  },
  {
    title: 'an infinite body (Traefik CVE-2026-26998)',
    alone: true,
    cases: [
      infinite('by its length', unframed(LINE_200, { 'content-length': 1e12 }), PIECE, NOBODY),
      infinite('in chunks', unframed(LINE_200, CHUNKED), chunk(PIECE), NOBODY),
      infinite('until it closes', unframed(LINE_200), PIECE, NOBODY),
      infinite('of a 401', unframed(LINE_401, CHUNKED), chunk(PIECE), 'denied'),
    ],
  },
  {
    title: 'a gzip bomb and stacked encodings (undici CVE-2026-22036)',
    alone: true,
    cases: [
      bombed('gzip', createGzip),
      bombed('deflate', createDeflate),
      bombed('br', createFastBrotli),
      encoded(
        'gzip 200 times',
        Array(200).fill('gzip').join(', '),
        ALICE,
        'allow',
        // undici refuses more than five encodings. The others undo none of a list.
        on(FETCHING, 'unreachable'),
      ),
      // Without decompression the bytes are valid JSON.
      encoded('gzip that is none', 'gzip', ALICE, BROKEN, on('Node over undici', 'allow')),
      encoded(
        'deflate that is none',
        'deflate',
        HTML,
        BROKEN,
        PACKED,
        on(['Deno', 'workerd'], NOBODY),
      ),
      encoded('br that is none', 'br', HTML, BROKEN, PACKED),
      // undici unpacks what there is, and takes the end of the body for the end of the gzip.
      encoded(
        'half of a gzip',
        'gzip',
        gzipSync(ALICE).subarray(0, 15),
        BROKEN,
        PACKED,
        on(FETCHING, NOBODY),
      ),
      encoded('an unknown encoding', 'odd', ALICE, 'allow'),
      encoded('an identity in gzip', 'gzip', gzipSync(ALICE), 'allow', PACKED),
    ],
  },
]
