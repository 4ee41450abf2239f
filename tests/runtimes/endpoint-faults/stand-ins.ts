import { connect } from 'node:net'
import { expect } from 'vitest'
import { row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Socket } from 'node:net'
import type { Case, Expectation, Row } from './row.ts'

/** E23: the guard itself in place of an endpoint. */

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

export const STAND_IN_ROWS: readonly Row[] = [
  row('E23', 'the endpoint is the guard itself', [
    looping('it asks itself the same question', { headers: AGAIN, told: [] }, OVER),
    looping('it asks itself another question each time', { headers: AGAIN, told: 'all' }, OVER),
    looping('it asks itself without credentials', { headers: {}, told: [] }, 'denied'),
  ]),
]
