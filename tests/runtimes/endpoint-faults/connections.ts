import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { always, dripping, inPieces, ok, once } from './answers.ts'
import { EXPIRED, KEY, OF_ANOTHER_HOST, RIGHT } from './certificates.ts'
import { faulty } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Fault } from './fault-server.ts'
import type { Case, Expectation, Row } from './row.ts'
import type { Site } from './site.ts'

/** The connection after an answer, failures of TLS and DNS, and the guard itself in place of an endpoint. */

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
      url = new URL(site.target.server.url)
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

const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' }

function secured(name: string, tls: TlsOptions, expected: Expectation = 'unreachable'): Case {
  return faulty(name, { ...always(ok()), tls: { key: KEY, ...tls } }, expected)
}

function byName(scheme: 'http' | 'https') {
  return ({ endpoint }: Site) => ({ endpoint: `${scheme}://localhost:${endpoint.port}/` })
}

function elsewhere(name: string, endpoint: string): Case {
  return { ...faulty(name, {}, ['unreachable', 'timeout']), options: { endpoint } }
}

export const CONNECTION_ROWS: readonly Row[] = [
  {
    title: 'an endpoint that keeps the check waiting',
    nightly: true,
    cases: [
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
        options: byName('https'),
      },
    ],
  },
  {
    title: 'an endpoint that hangs up',
    cases: [
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
    ],
  },
  {
    title: 'a peer that closes connections that were kept',
    nightly: true,
    cases: [
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
    ],
  },
  {
    title: 'the endpoint is the guard itself',
    nightly: true,
    cases: [
      looping('it asks itself the same question', { headers: AGAIN, told: [] }, OVER),
      looping('it asks itself another question each time', { headers: AGAIN, told: 'all' }, OVER),
      looping('it asks itself without credentials', { headers: {}, told: [] }, 'denied'),
    ],
  },
  {
    title: 'TLS that fails',
    alone: true,
    cases: [
      secured('a certificate that is right', { cert: RIGHT }, 'allow'),
      secured('a certificate that signed itself', { ...SELF_SIGNED }),
      secured('a certificate that is too old', { cert: EXPIRED }),
      secured('a certificate of another host', { cert: OF_ANOTHER_HOST }),
      secured('TLS 1.0', { cert: RIGHT, minVersion: 'TLSv1', maxVersion: 'TLSv1', ...OLD }),
      secured('TLS 1.1', { cert: RIGHT, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...OLD }),
      {
        // As from a server that speaks no TLS: it answers whatever comes.
        ...faulty(
          'plain HTTP on the TLS port',
          { onConnection: (socket) => socket.once('data', () => socket.end(ok())) },
          'unreachable',
        ),
        options: byName('https'),
      },
      {
        ...secured('a plain question to the TLS port', { cert: RIGHT }),
        options: byName('http'),
      },
    ],
  },
  {
    // A resolver that fails in other ways (SERVFAIL, silence) would have to be the machine's own.
    title: 'an endpoint that cannot be reached, and DNS',
    alone: true,
    cases: [
      {
        ...lost('it refuses the connection', SILENT),
        steps: async (site) => {
          await site.endpoint.close()
          expectVerdict(site, await site.ask())
        },
      },
      elsewhere('a name that does not exist', 'https://auth.invalid/validate'),
      elsewhere('a label that is too long', `https://${'a'.repeat(64)}.invalid/`),
      elsewhere('a name that is too long', `https://${'a.'.repeat(200)}invalid/`),
      {
        ...faulty('a name for the loopback interface: nothing special', always(ok()), 'allow'),
        options: byName('http'),
      },
    ],
  },
]
