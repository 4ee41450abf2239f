import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { close, listen } from '../support/loopback.ts'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { KEY, startGateway, writeKey } from './support/command.ts'
import { readMemory } from './support/server-process.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import type { Binary } from './support/binaries.ts'

// `WITH_AUTH_BODY_MB=2048` for the figures.
const BODY_MB = Number(process.env['WITH_AUTH_BODY_MB'] ?? 256)
// A body that is held takes 256 MB. Node leaves what it has read to its garbage collector, which lets up to 64 MB come together
// and is late on a busy machine: a bare `request.pipe(upstream)` of Node grows by as much.
const MOST_MB = { Node: 160, Bun: 64, Deno: 64 } as const
const TIMEOUT_MS = 120_000
const PART = Buffer.alloc(1024 * 1024, 'x')

const RUNTIMES: readonly (readonly [binary: Binary, most: number])[] = [
  ...SOME_NODES.map((node) => [node, MOST_MB.Node] as const),
  [BUN, MOST_MB.Bun],
  [DENO, MOST_MB.Deno],
]

type Play = (response: ServerResponse, incoming: IncomingMessage) => unknown

const answerLength: Play = async (response, incoming) =>
  response.end(String(await countBytes(incoming)))
const PLAYS: Readonly<Record<string, Play>> = {
  '/down': (response) => sendParts(response),
  '/late': (response) => {
    response.flushHeaders()
    endLate = () => void response.end('late')
  },
}
let endLate = (): void => undefined
const upstream = createServer((incoming, response) => {
  const play = PLAYS[incoming.url ?? ''] ?? answerLength
  void play(response, incoming)
})
let upstreamUrl: string
let folder: string
let keys: string

beforeAll(async () => {
  upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  folder = mkdtempSync(join(tmpdir(), 'with-auth-bodies-'))
  keys = writeKey(join(folder, 'keys.yaml'))
})
afterAll(async () => {
  await close(upstream)
  rmSync(folder, { recursive: true })
})

it.each(RUNTIMES.map(([binary, most]) => [binary.name, binary, most] as const))(
  '%s passes large bodies on in both directions, and keeps none in memory',
  { timeout: TIMEOUT_MS },
  async (_name, binary, most) => {
    const gateway = await startGateway(binary, upstreamUrl, keys)
    try {
      // The modules that the first requests load do not count.
      await textOf(await ask(gateway.url, '/warm'))
      await textOf(await ask(gateway.url, '/warm', 1))
      const before = readMemory(gateway.pid).now
      expect(await textOf(await ask(gateway.url, '/up', BODY_MB))).toBe(
        String(BODY_MB * PART.length),
      )
      expect(await countBytes(await ask(gateway.url, '/down'))).toBe(BODY_MB * PART.length)
      const bothMb = readMemory(gateway.pid).peak - before
      expect(bothMb).toBeLessThan(most)
      // On Bun the head of an answer is complete only with the first byte of its body.
      if (binary !== BUN) await expectHeadBeforeEnd(gateway.url)
    } finally {
      await gateway.stop()
    }
  },
)

/** The upstream ends its answer only after its head has come, so a gateway that waits for the end fails with a timeout. */
async function expectHeadBeforeEnd(url: string): Promise<void> {
  const late = await ask(url, '/late')
  endLate()
  expect(await textOf(late)).toBe('late')
}

/** The answer to a GET, or to a POST of so many megabytes in chunks. */
async function ask(url: string, path: string, megabytes = 0): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${KEY}` }
  const asking = request(url + path, { method: megabytes === 0 ? 'GET' : 'POST', headers })
  const answered = once(asking, 'response') as Promise<[IncomingMessage]>
  await Promise.all([megabytes === 0 ? asking.end() : sendParts(asking, megabytes), answered])
  return (await answered)[0]
}

async function sendParts(stream: Writable, megabytes = BODY_MB): Promise<void> {
  for (let sent = 0; sent < megabytes; sent += 1) {
    if (!stream.write(PART)) await once(stream, 'drain')
  }
  stream.end()
}

async function countBytes(stream: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) bytes += chunk.length
  return bytes
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString()
  return text
}
