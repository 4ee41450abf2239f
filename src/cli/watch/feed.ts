import { createServer } from 'node:net'
import { within } from '../../core/async.ts'
import { nameAddress } from '../serving/serve.ts'
import { createDecisionLog } from '../log.ts'
import { isAnswer } from './challenge.ts'
import { listenPrivately } from './unix-socket.ts'
import type { Socket } from 'node:net'
import type { DecisionLog } from '../log.ts'
import type { WatchedDecision } from './decision.ts'
import type { WatchPlace } from './place.ts'

export const WATCH_OPTION = {
  'watch-socket': {
    value: 'PATH|HOST:PORT',
    help: 'send each decision to programs that watch: at a Unix socket of this user, or a loopback port and a secret',
  },
} as const

/** Sends decisions to watchers, one line of JSON each. */
export interface Feed {
  readonly send: (decision: WatchedDecision) => void
  readonly listen: () => Promise<void>
  readonly close: () => Promise<void>
}

const MOST_WATCHERS = 8
const ANSWER_MS = 2000
/** An HMAC with SHA-256 in hex, and its line end. */
const ANSWER_LENGTH = 65
const FLAG = '--watch-socket'
const nothing = (): void => undefined

/** @param from The name of the command, which each watcher is told. */
export function createFeed(place: WatchPlace, from: string): Feed {
  const sockets = new Set<Socket>()
  const watchers = new Map<Socket, DecisionLog>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', nothing).once('close', () => {
      sockets.delete(socket)
      watchers.delete(socket)
    })
    if (sockets.size > MOST_WATCHERS) return refuse(socket, `${MOST_WATCHERS} others watch already`)
    void admit(socket, place).then((isAdmitted) => {
      if (!isAdmitted) return refuse(socket, 'WITH_AUTH_WATCH_SECRET is another one there')
      sendLine(socket, { type: 'watching', from })
      watchers.set(socket, createLineLog(socket))
      // A watcher sends nothing more. Unread, what it sends would wait here.
      return void socket.on('data', () => socket.destroy())
    })
  })
  let remove = nothing
  return {
    send: (decision) => watchers.forEach((write) => write(decision)),
    listen: async () => {
      if ('path' in place) remove = await listenPrivately(server, place.path, FLAG)
      else await listenAt(server, place)
      server.on('error', nothing)
    },
    close: async () => {
      remove()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function listenAt(
  server: ReturnType<typeof createServer>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  return listening.catch(nameAddress({ host, port }, FLAG))
}

/** Only a watcher at a port is challenged: the system lets only this user connect to the socket. */
async function admit(socket: Socket, place: WatchPlace): Promise<boolean> {
  if ('path' in place) return true
  const nonce = crypto.randomUUID()
  sendLine(socket, { type: 'challenge', nonce })
  const answer = (await within(ANSWER_MS, readAnswer(socket))) ?? ''
  return isAnswer(place.secret, nonce, answer)
}

function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (!text.includes('\n') && text.length < ANSWER_LENGTH) return
      socket.off('data', read)
      resolve(text.slice(0, ANSWER_LENGTH))
    }
    socket.on('data', read).once('close', () => resolve(''))
  })
}

/** A log for one watcher: if it is slow, it loses lines, and is told how many. */
function createLineLog(socket: Socket): DecisionLog {
  const output = {
    print: (text: string): void => void socket.write(text),
    unwritten: () => socket.writableLength,
    note: nothing,
    onPrintFailure: nothing,
    isTerminal: false,
    colors: false,
  }
  return createDecisionLog(output, true)
}

function sendLine(socket: Socket, line: object): void {
  socket.write(`${JSON.stringify(line)}\n`)
}

function refuse(socket: Socket, cause: string): void {
  sendLine(socket, { type: 'refused', cause })
  socket.destroySoon()
}
