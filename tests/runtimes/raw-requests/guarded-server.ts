import { setTimeout as sleep } from 'node:timers/promises'
import { startRecordingEndpoint } from './endpoint.ts'
import { exchange } from './exchange.ts'
import { get } from './bytes.ts'
import { NUMBER } from './row.ts'
import type { HandlerCall } from './admission.ts'
import type { Question } from './endpoint.ts'
import type { RawResponse } from './exchange.ts'
import type { Program } from './row.ts'
import type { RawServer } from './servers.ts'

/** All that one request set off. */
export interface Trace {
  readonly response: RawResponse | undefined
  readonly calls: readonly HandlerCall[]
  readonly questions: readonly Question[]
}

/** One program on one server, with an endpoint of its own. */
export interface GuardedServer {
  readonly version: string
  /** Sends a request, and then an ordinary one, which must be answered: what was printed before it is complete. */
  readonly trace: (bytes: Buffer) => Promise<Trace>
  /** Ends it. Returns everything that it printed. */
  readonly stop: () => Promise<string>
}

const PRINTED_MS = 10_000

export async function startGuardedServer(
  server: RawServer,
  program: Program,
  app: string,
): Promise<GuardedServer> {
  const endpoint = await startRecordingEndpoint()
  const env = { AUTH_ENDPOINT: endpoint.url, PROGRAM: program }
  const running = await server.start(app, env).catch(async (error: unknown) => {
    await endpoint.close()
    throw error
  })
  let number = 0
  let read = 0

  async function trace(bytes: Buffer): Promise<Trace> {
    number += 1
    endpoint.questions.length = 0
    const id = String(number).padStart(NUMBER.length, '0')
    const response = await exchange(running.url, fill(bytes, id))
    const calls = await readCalls(id)
    checkNumbers(calls, id)
    return { response, calls, questions: [...endpoint.questions] }
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

  async function stop(): Promise<string> {
    await running.stop()
    await endpoint.close()
    return running.printed()
  }

  return { version: running.version, trace, stop }
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

// A call that comes late would be taken for one of the next request.
function checkNumbers(calls: readonly HandlerCall[], id: string): void {
  const strange = calls.find(({ variant }) => variant !== null && variant !== id)
  if (strange !== undefined)
    throw new Error(`the handler was called late: ${JSON.stringify(strange)}`)
}
