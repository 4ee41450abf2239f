import { connect } from 'node:net'
import { expect } from 'vitest'
import { BROKEN, row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Socket } from 'node:net'
import type { Case, Expectation, Row } from './row.ts'

/** E23 and E24: the guard itself, or the user's own `fetch`, in place of an endpoint. */

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

function customFetch(behaviour: string, expected: Expectation): Case {
  return { name: `it ${behaviour}`, fault: {}, expected, options: { fetch: behaviour } }
}

// The missing principal is found before the headers are read.
const HEADERS: Expectation = { optional: 'internal_error', required: 'invalid_response' }

export const STAND_IN_ROWS: readonly Row[] = [
  row('E23', 'the endpoint is the guard itself', [
    looping('it asks itself the same question', { headers: AGAIN, told: [] }, OVER),
    looping('it asks itself another question each time', { headers: AGAIN, told: 'all' }, OVER),
    looping('it asks itself without credentials', { headers: {}, told: [] }, 'denied'),
  ]),
  row('E24', 'a fetch of the user that goes wrong', [
    customFetch('throws at once', 'internal_error'),
    customFetch('throws undefined at once', 'internal_error'),
    customFetch('rejects with an error', 'unreachable'),
    customFetch('rejects with undefined', 'unreachable'),
    customFetch('rejects with null', 'unreachable'),
    customFetch('rejects when the deadline is over', 'timeout'),
    customFetch('answers when the deadline is over', 'timeout'),
    customFetch('never settles', 'timeout'),
    customFetch('returns nothing', 'internal_error'),
    customFetch('resolves to nothing', 'internal_error'),
    customFetch('resolves to null', 'internal_error'),
    customFetch('resolves to true', 'internal_error'),
    customFetch('resolves to 200', 'internal_error'),
    customFetch('resolves to an object that says ok', 'internal_error'),
    customFetch('resolves to a status that is a string', 'internal_error'),
    customFetch('resolves to a status 200 without headers', 'internal_error'),
    customFetch('resolves to a status of its own type', 'internal_error'),
    customFetch('resolves to an object whose status throws', 'internal_error'),
    customFetch('resolves to headers that throw', HEADERS),
    customFetch('resolves to a thenable that throws', 'unreachable'),
    customFetch('resolves to what was redirected', 'denied'),
    customFetch('resolves to a body that is locked', BROKEN),
    customFetch('resolves to a body that was read', BROKEN),
    customFetch('resolves to a body that breaks', BROKEN),
    customFetch('resolves to a body of text', BROKEN),
    customFetch('resolves to a body whose reader throws', BROKEN),
    customFetch('resolves to a body that cannot be cancelled', {
      optional: 'allow',
      required: 'timeout',
    }),
    customFetch('resolves to a Response', 'allow'),
  ]),
]
