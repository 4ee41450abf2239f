import { connect } from 'node:net'
import { property } from '../../core/runtime.ts'
import { isRecord } from '../../core/endpoint/claim-path.ts'
import { reasonOf } from '../../files/system.ts'
import { answerChallenge } from './challenge.ts'
import type { Socket } from 'node:net'
import type { WatchedDecision } from './decision.ts'
import type { WatchPlace } from './place.ts'

/** An entry for a watcher: a decision, or the state of its connection. */
export type Watched =
  | (WatchedDecision & { readonly time: string })
  /** Decisions follow. `from` is the name of the command that decides. */
  | { readonly type: 'watching'; readonly from: string }
  /** The connection has ended, and is tried again. */
  | { readonly type: 'lost'; readonly cause: string }
  /** Lines are missing, because this watcher was too slow. */
  | { readonly type: 'warning'; readonly message: string }

/** In characters. A line of the feed is shorter. */
const LONGEST_LINE = 16_384
const RETRY_MS = 1000

/** Watches decisions until the signal aborts. Connects again after each end, and never throws. */
export async function* watchDecisions(
  place: WatchPlace,
  signal: AbortSignal,
  retryMs: number = RETRY_MS,
): AsyncGenerator<Watched, void> {
  while (!signal.aborted) {
    const socket = 'path' in place ? connect(place.path) : connect(place.port, place.host)
    const stop = (): void => void socket.destroy()
    socket.on('error', () => undefined)
    signal.addEventListener('abort', stop)
    let cause: string | undefined
    try {
      cause = yield* readFeed(socket, place)
    } catch (error) {
      cause = describe(error)
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
    if (signal.aborted) return
    yield { type: 'lost', cause: cause ?? 'the connection was closed' }
    // oxlint-disable-next-line no-await-in-loop
    await pause(retryMs, signal)
  }
}

/** Returns why it was refused. */
async function* readFeed(
  socket: Socket,
  place: WatchPlace,
): AsyncGenerator<Watched, string | undefined> {
  for await (const line of readLines(socket)) {
    const entry = parseLine(line)
    if (typeof entry === 'string') return entry
    if (entry === undefined) continue
    if (entry.type !== 'challenge') yield entry
    else if ('secret' in place) {
      socket.write(`${await answerChallenge(place.secret, entry.nonce)}\n`)
    }
  }
  return undefined
}

async function* readLines(socket: Socket): AsyncGenerator<string, void> {
  let rest = ''
  for await (const chunk of socket.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    if ([rest, ...lines].some(({ length }) => length > LONGEST_LINE)) {
      throw new Error('a line is too long: is this the socket of with-auth?')
    }
    yield* lines
  }
}

type Challenge = { readonly type: 'challenge'; readonly nonce: string }

/** An entry, why the feed refuses, or `undefined` for what this version does not know. */
function parseLine(line: string): Watched | Challenge | string | undefined {
  const entry = parseRecord(line)
  const text = (name: string): string | undefined => {
    const value = property(entry, name)
    return typeof value === 'string' ? value : undefined
  }
  const [type, from, nonce, message] = ['type', 'from', 'nonce', 'message'].map(text)
  if (type === 'refused') return text('cause') ?? 'refused'
  if (type === 'challenge' && nonce !== undefined) return { type, nonce }
  if (type === 'watching' && from !== undefined) return { type, from }
  if (type === 'warning' && message !== undefined) return { type, message }
  const [time, outcome, path] = ['time', 'outcome', 'path'].map(text)
  const status = property(entry, 'status')
  if (type !== 'decision' || typeof status !== 'number') return undefined
  if (time === undefined || outcome === undefined || path === undefined) return undefined
  const [method, principal, keyId, cause] = ['method', 'principal', 'keyId', 'cause'].map(text)
  return { type, time, outcome, status, path, method, principal, keyId, cause }
}

function parseRecord(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

function describe(error: unknown): string {
  const reason = reasonOf(error)
  if (['ENOENT', 'ECONNREFUSED'].includes(reason)) return `nothing listens there (${reason})`
  return reason === 'Error' && error instanceof Error ? error.message : reason
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
