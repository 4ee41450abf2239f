import { setTimeout as sleep } from 'node:timers/promises'
import { exchange } from '../../support/raw-client.ts'
import { startAuthEndpoint } from '../../support/auth-endpoint.ts'
import { get, NUMBER } from './row.ts'
import { GOOD_TOKENS } from './rules.ts'
import type { Program } from './row.ts'
import type { HandlerCall, Trace } from './rules.ts'
import type { RawServer } from './servers.ts'

const PRINTED_MS = 10_000

export type GuardedServer = Awaited<ReturnType<typeof startGuardedServer>>

/** Starts one program on one server, with an endpoint of its own. */
export async function startGuardedServer(server: RawServer, program: Program, app: string) {
  const endpoint = await startAuthEndpoint(({ token }) => ({
    status: GOOD_TOKENS.has(token) ? 200 : 401,
  }))
  const env = { AUTH_ENDPOINT: endpoint.url, PROGRAM: program }
  const running = await server.start(app, env).catch(async (error: unknown) => {
    await endpoint.close()
    throw error
  })
  let number = 0
  let read = 0

  /**
   * Sends requests at once, then an ordinary one. Its answer shows that everything before it has been printed. Requests in
   * a batch of more than one must be {@link isNumbered}.
   */
  async function trace(batch: readonly Buffer[]): Promise<Trace[]> {
    endpoint.received.length = 0
    const sent = batch.map((bytes) => ({ id: nextId(), bytes }))
    const responses = await Promise.all(
      sent.map(({ id, bytes }) => exchange(running.url, fill(bytes, id))),
    )
    const ids = sent.map(({ id }) => id)
    const calls = divide(ids, await readCalls(nextId()), ({ variant }) => variant)
    const asked = endpoint.received.flatMap(({ question }) => question ?? [])
    const questions = divide(ids, asked, ({ headers }) => headers['x-variant'] ?? null)
    return responses.map((response, index) => ({
      response,
      calls: calls[index] ?? [],
      questions: questions[index] ?? [],
    }))
  }

  function nextId(): string {
    number += 1
    return String(number).padStart(NUMBER.length, '0')
  }

  async function readCalls(id: string): Promise<HandlerCall[]> {
    const answer = await exchange(running.url, get('/healthz', `X-Fence: ${id}`))
    if (answer?.status !== 200) throw new Error(`${server.title} does not answer any more`)
    const deadline = performance.now() + PRINTED_MS
    while (performance.now() < deadline) {
      const calls = parseCalls(running.printed().slice(read))
      if (calls.at(-1)?.fence === id) {
        read = running.printed().length
        return calls.slice(0, -1)
      }
      await sleep(1)
    }
    throw new Error(`${server.title} does not print that it was called`)
  }

  /** Stops the server. Returns everything that it printed. */
  async function stop(): Promise<string> {
    await running.stop()
    await endpoint.close()
    return running.printed()
  }

  return { version: running.version, trace, stop }
}

/** Whether a request has a number, which tells its calls from those of other requests. */
export function isNumbered(bytes: Buffer): boolean {
  return bytes.includes(NUMBER)
}

function fill(bytes: Buffer, id: string): Buffer {
  const at = bytes.indexOf(NUMBER)
  if (at === -1) return bytes
  const filled = Buffer.from(bytes)
  filled.write(id, at, 'latin1')
  return filled
}

function parseCalls(printed: string): HandlerCall[] {
  const lines = printed.match(/(?<=^HANDLER ).*(?=\n)/gm) ?? []
  return lines.map((line) => JSON.parse(line) as HandlerCall)
}

/**
 * Divides calls by the request that caused them. A request that was sent alone caused every call without a number. Throws
 * for a call with another number, because a late call would count for the next batch.
 */
function divide<Item>(
  ids: readonly string[],
  items: readonly Item[],
  numberOf: (item: Item) => string | null,
): Item[][] {
  const alone = ids.length === 1 ? ids[0] : undefined
  const owners = items.map((item) => numberOf(item) ?? alone)
  const strange = items.find((_, index) => !ids.includes(owners[index] ?? ''))
  if (strange !== undefined) throw new Error(`set off by no request: ${JSON.stringify(strange)}`)
  return ids.map((id) => items.filter((_, index) => owners[index] === id))
}
