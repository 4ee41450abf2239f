import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { dripping, inPieces, ok, once } from './answers.ts'
import { faulty, row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Socket } from 'node:net'
import type { Fault } from './fault-server.ts'
import type { Case, Expectation, Row } from './row.ts'

/** E18 to E20: what becomes of the connection. E23: the guard itself in place of an endpoint. */

const SILENT: Fault = { endless: true }
const HEAD = 'HTTP/1.1 200 OK\r\n'

// As the README says: asked again once when there was no response at all.
const RETRIED = { retry: { attempts: 1 } }

/** A connection that is lost, on which the guard asks once more and then gives up. */
function lost(name: string, fault: Fault): Case {
  return {
    name,
    fault,
    expected: 'unreachable',
    options: RETRIED,
    steps: async (site) => {
      expectVerdict(site, await site.ask())
      expect(site.endpoint.questions.length).toBeLessThanOrEqual(2)
    },
  }
}

/** Callers one after the other, of whom none may see that a connection was lost. */
function kept(name: string, fault: Fault, count: number, pauseMs: number): Case {
  return {
    name,
    fault,
    expected: 'allow',
    options: RETRIED,
    steps: async (site) => {
      for (let index = 0; index < count; index += 1) {
        expectVerdict(site, await site.ask())
        await sleep(pauseMs)
      }
    },
  }
}

function closingAfter(ms: number): Fault {
  return {
    onQuestion: (socket) => socket.write(ok(), () => setTimeout(() => socket.destroy(), ms)),
  }
}

interface Loop {
  /** The headers that the guard sends to itself, besides its own name. */
  readonly headers: Readonly<Record<string, string>>
  /** The headers that are part of the cache key. */
  readonly told: 'all' | readonly string[]
}

const MOST_CALLS = 16
const AGAIN = { authorization: 'Bearer again' }
// The first check times out first. If both end almost together, the second check may deny it.
const OVER = ['timeout', 'denied'] as const

/** Forwards each call to the guard's own server, so that the test can count the connections. */
function looping(name: string, { headers, told }: Loop, expected: Expectation): Case {
  let url = new URL('http://127.0.0.1')
  const pass = (socket: Socket): void => {
    const own = connect(Number(url.port), url.hostname)
    own.on('error', () => socket.destroy())
    socket.on('close', () => own.destroy())
    socket.pipe(own).pipe(socket)
  }
  return {
    name,
    fault: { onConnection: pass },
    expected,
    callsAtOnce: MOST_CALLS,
    options: (site) => {
      url = new URL(site.target.url)
      const concurrency = { maxInFlight: 8, maxWaiting: 8 }
      const context = { headers: told, params: 'none' }
      return { concurrency, endpointHeaders: { 'x-guard': site.guard, ...headers }, context }
    },
    steps: async (site) => {
      expectVerdict(site, await site.ask())
      expect(site.endpoint.questions.length).toBeLessThanOrEqual(MOST_CALLS)
    },
  }
}

export const CONNECTION_ROWS: readonly Row[] = [
  row('E18', 'an endpoint that keeps the check waiting', [
    faulty('it accepts, and says nothing', SILENT, 'timeout'),
    faulty('a header every 100 ms', dripping(HEAD, 'x-more: 1\r\n', 100), 'timeout'),
    faulty('a header every 20 ms', dripping(HEAD, 'x-more: 1\r\n'), 'timeout'),
    faulty(
      'a status line byte by byte',
      { ...inPieces(HEAD.split(''), 200), endless: true },
      'timeout',
    ),
    faulty('1xx every 20 ms', dripping('', 'HTTP/1.1 102 Processing\r\n\r\n'), 'timeout'),
    {
      name: 'it does not answer the handshake',
      fault: SILENT,
      // undici does not stop connecting for an abort, but after a time of its own: ten seconds in Node's fetch.
      settledMs: { Node: 12_000, 'Node by its dispatcher': 7000, 'Node over undici': 7000 },
      expected: 'timeout',
      options: ({ endpoint }) => ({ endpoint: `https://localhost:${endpoint.port}/` }),
    },
  ]),
  row('E19', 'an endpoint that hangs up', [
    {
      ...lost('it refuses the connection', SILENT),
      steps: async (site) => {
        await site.endpoint.close()
        expectVerdict(site, await site.ask())
      },
    },
    lost('it resets at once', { onConnection: (socket) => socket.resetAndDestroy() }),
    lost('it closes at once', { onConnection: (socket) => socket.destroy() }),
    lost('it half-closes at once', { onConnection: (socket) => socket.end() }),
    lost('it resets when the question comes', {
      onQuestion: (socket) => socket.resetAndDestroy(),
    }),
    lost('it closes without a byte', { onQuestion: (socket) => socket.destroy() }),
    lost('it half-closes when the question comes', { onQuestion: (socket) => socket.end() }),
    lost('it closes in the status line', once('HTTP/1.1 20')),
    lost('it closes in the headers', once(`${HEAD}content-len`)),
    lost('it resets in the headers', {
      onQuestion: (socket) => socket.write(`${HEAD}x: y\r\n`, () => socket.resetAndDestroy()),
    }),
  ]),
  row('E20', 'a peer that closes connections that were kept', [
    kept('as soon as it has answered', closingAfter(0), 10, 5),
    kept('some time after it has answered', closingAfter(20), 10, 20),
    kept('after the last call', closingAfter(50), 5, 150),
    kept(
      'when the second question comes',
      {
        onQuestion: (socket, { turn }) => (turn === 1 ? socket.write(ok()) : socket.destroy()),
      },
      8,
      0,
    ),
    kept(
      'with a reset when the second question comes',
      {
        onQuestion: (socket, { turn }) =>
          turn === 1 ? socket.write(ok()) : socket.resetAndDestroy(),
      },
      8,
      0,
    ),
    kept(
      'after it has said that it would not',
      {
        onQuestion: (socket) =>
          socket.end(ok(undefined, { connection: 'keep-alive', 'keep-alive': 'timeout=600' })),
      },
      10,
      5,
    ),
  ]),
  row('E23', 'the endpoint is the guard itself', [
    looping('it asks itself the same question', { headers: AGAIN, told: [] }, OVER),
    looping('it asks itself another question each time', { headers: AGAIN, told: 'all' }, OVER),
    looping('it asks itself without credentials', { headers: {}, told: [] }, 'denied'),
  ]),
]
