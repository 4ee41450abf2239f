import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { ALICE, MARKER, always, ok, response } from './answers.ts'
import { NOBODY, row } from './row.ts'
import { expectVerdict } from './site.ts'
import { TOKEN } from '../../support/token.ts'
import type { Case, Expectation, Row } from './row.ts'
import type { Site } from './site.ts'

/** E26 to E28: claims beside the verdict, and an endpoint that allows every request. */

const UNAVAILABLE = { unavailableStatus: 503 }
const CACHED = { cache: { allowTtlMs: 2000 } }

function waiting(status: number, retryAfter: string, expected: string): Case {
  const reason = status === 429 ? 'rate_limited' : 'service_error'
  return {
    name: `${status} with Retry-After: ${retryAfter}`,
    fault: always(response(`HTTP/1.1 ${status} Wait`, { 'retry-after': retryAfter })),
    expected: reason,
    options: { ...UNAVAILABLE, retry: { attempts: 1 } },
    steps: async (site) => {
      const outcome = await site.ask()
      expectVerdict(site, outcome)
      expect(outcome.retryAfter).toBe(expected)
    },
  }
}

/** An answer that is kept for our own time to live at most, whatever it says of itself; or not at all. */
function aging(cacheControl: string, isKept: boolean): Case {
  return {
    name: `200 with Cache-Control: ${cacheControl}`,
    fault: always(ok(ALICE, { 'cache-control': cacheControl })),
    expected: 'allow',
    options: CACHED,
    steps: async (site) => {
      await askTwice(site)
      expect(site.endpoint.questions).toHaveLength(isKept ? 1 : 2)
      await sleep(2200)
      expectVerdict(site, await site.ask())
      expect(site.endpoint.questions).toHaveLength(isKept ? 2 : 3)
    },
  }
}

async function askTwice(site: Site): Promise<void> {
  expectVerdict(site, await site.ask())
  expectVerdict(site, await site.ask())
}

const HOSTILE_FIELDS = {
  'set-cookie': `session=${MARKER}`,
  'www-authenticate': `Basic realm="${MARKER}"`,
  location: `https://attacker.example/${MARKER}`,
  'access-control-allow-origin': '*',
  'cache-control': 'public, max-age=600',
  'content-type': 'text/html',
  refresh: '0; url=https://attacker.example/',
}

function hostile(name: string, line: string, expected: Expectation): Case {
  const page = `<script>${MARKER}</script>`
  return { name, fault: always(response(line, HOSTILE_FIELDS, page)), expected }
}

export const CLAIM_ROWS: readonly Row[] = [
  row('E26', 'Set-Cookie, WWW-Authenticate and Location of its own', [
    hostile('in a 401', 'HTTP/1.1 401 No', 'denied'),
    hostile('in a 302', 'HTTP/1.1 302 Moved', 'denied'),
    hostile('in a 429', 'HTTP/1.1 429 Wait', 'rate_limited'),
    hostile('in a 500', 'HTTP/1.1 500 No', 'service_error'),
    hostile('in a 200', 'HTTP/1.1 200 OK', NOBODY),
  ]),
  row('E27', 'absurd Retry-After and Cache-Control', [
    waiting(503, '99999999', '30'),
    waiting(429, '99999999', '30'),
    waiting(503, '99999999999999999999', '1'),
    waiting(503, '-1', '1'),
    waiting(503, 'NaN', '1'),
    waiting(503, '1e3', '1'),
    waiting(503, 'Fri, 31 Dec 9999 23:59:59 GMT', '30'),
    waiting(503, 'Thu, 01 Jan 1970 00:00:00 GMT', '1'),
    aging('max-age=99999999', true),
    aging('max-age=99999999, immutable', true),
    aging('s-maxage=99999999', true),
    aging('max-age=-1', false),
    aging('max-age=NaN', false),
    aging('max-age=99999999999999999999', false),
    aging('max-age=600, max-age=0', false),
    aging('max-age=600, no-store', false),
  ]),
  row(
    'E28',
    '200 for every request (ingress-nginx CVE-2026-24513): the guard asks one endpoint and believes it',
    [
      { token: TOKEN, what: 'a word' },
      { token: 'x', what: 'a letter' },
      { token: 'a.b.c', what: 'the form of a JWT' },
    ].map(({ token, what }) => ({
      name: `a page for ${what}`,
      fault: always(ok('<!doctype html>', { 'content-type': 'text/html' })),
      // Only `identity: 'required'` tells an auth endpoint from a web page.
      expected: NOBODY,
      steps: async (site) => expectVerdict(site, await site.ask(token)),
    })),
  ),
]
