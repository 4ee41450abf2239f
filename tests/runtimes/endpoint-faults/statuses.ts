import { createServer } from 'node:http'
import { expect } from 'vitest'
import { close, listen } from '../../support/loopback.ts'
import { ALICE, always, inPieces, ok, once, response, unframed, unfinished } from './answers.ts'
import { faulty, row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Case, Expectation, Row } from './row.ts'
import type { Site } from './site.ts'

/** E1 to E10: the endpoint answers something else than 200, or something like it. */

const NO_ANSWER = 'unreachable'
const WITHOUT_A_BODY = new Set([204, 205, 304])

/** A redirect to another host, which answers 200 to everything: nothing may come there. */
function redirectToAttacker(name: string, status: number, locate: (host: string) => string): Case {
  let host = ''
  return {
    name,
    fault: {
      onQuestion: (socket) =>
        socket.write(response(`HTTP/1.1 ${status} Moved`, { location: locate(host) }, ALICE)),
    },
    expected: 'denied',
    steps: async (site: Site) => {
      const attacker = createServer((request, answer) => {
        request.resume()
        answer.end(ALICE)
      })
      let connections = 0
      attacker.on('connection', () => {
        connections += 1
      })
      host = `127.0.0.1:${await listen(attacker)}`
      try {
        expectVerdict(site, await site.ask())
        expect(site.endpoint.questions).toHaveLength(1)
        expect(connections).toBe(0)
      } finally {
        await close(attacker)
      }
    },
  }
}

const redirects = [301, 302, 303, 307, 308].map((status, index): Row =>
  row(`E${index + 1}`, `${status} to another host that answers 200`, [
    redirectToAttacker('to a URL', status, (host) => `http://${host}/login`),
    redirectToAttacker('to a URL without a scheme', status, (host) => `//${host}/login`),
  ]),
)

function answered(status: number, expected: Expectation): Case {
  const line = `HTTP/1.1 ${status} Odd`
  const bytes = WITHOUT_A_BODY.has(status) ? unframed(line) : response(line, {}, ALICE)
  return { name: String(status), fault: always(bytes), expected }
}

function redirected(name: string, status: number, location: string | undefined): Case {
  const fields = location === undefined ? {} : { location }
  const fault = always(response(`HTTP/1.1 ${status} Moved`, fields, ALICE))
  return { name, fault, expected: 'denied' }
}

function lined(name: string, bytes: string | Buffer, expected: Expectation): Case {
  // Without framing a body ends with its connection.
  return { name, fault: once(bytes), expected }
}

const INFORMATION = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n'
const REFUSAL = response('HTTP/1.1 401 No', {}, ALICE)
const FIELDS = `content-length: ${ALICE.length}\r\n\r\n${ALICE}`

export const STATUS_ROWS: readonly Row[] = [
  ...redirects,
  row('E6', 'a redirect to nowhere', [
    redirected('to itself', 307, '/validate'),
    redirected('to http', 302, 'http://127.0.0.1:9/'),
    redirected('to a file', 302, 'file:///etc/passwd'),
    redirected('to data', 302, 'data:application/json,{}'),
    redirected('to an invalid URL', 302, 'http://[/'),
    redirected('to nothing', 302, ''),
    redirected('without a location', 302, undefined),
    redirected('300', 300, '/validate'),
    redirected('305', 305, '/validate'),
    redirected('306', 306, '/validate'),
  ]),
  row(
    'E7',
    'a 2xx other than 200',
    [201, 202, 203, 204, 205, 206, 207, 226, 299].map((status) => answered(status, 'denied')),
  ),
  row(
    'E8',
    'a status outside 2xx',
    [
      304, 400, 401, 403, 404, 405, 407, 408, 409, 413, 418, 421, 425, 426, 431, 451, 499, 500, 501,
      502, 503, 504, 505, 511, 599, 429, 600, 999,
    ].map((status) => ({
      ...answered(status, reasonOf(status)),
      // Fetch standard, HTTP-network-or-cache fetch: after a 421 it is asked again on another connection.
      callsAtOnce: status === 421 ? 2 : 1,
    })),
  ),
  row('E9', '1xx, alone and before an answer', [
    faulty('100, then 200', always('HTTP/1.1 100 Continue\r\n\r\n', ok()), 'allow'),
    faulty('102, then 200', always('HTTP/1.1 102 Processing\r\n\r\n', ok()), 'allow'),
    faulty('103, then 200', always(INFORMATION, ok()), 'allow'),
    faulty('103, and later 200', inPieces([INFORMATION, ok()], 50), 'allow'),
    faulty('ten times 103, then 200', always(INFORMATION.repeat(10), ok()), 'allow'),
    faulty('103, then 401', always(INFORMATION, REFUSAL), 'denied'),
    faulty('103, then nothing', unfinished(INFORMATION), 'timeout'),
    faulty('103, then the end', once(INFORMATION), 'unreachable'),
    faulty('100, then nothing', unfinished('HTTP/1.1 100 Continue\r\n\r\n'), 'timeout'),
    faulty('199, then nothing', unfinished('HTTP/1.1 199 Odd\r\n\r\n'), 'timeout'),
    faulty(
      '101 to another protocol, then 200',
      always('HTTP/1.1 101 Go\r\nupgrade: odd\r\nconnection: upgrade\r\n\r\n', ok()),
      ['unreachable', 'denied'],
    ),
  ]),
  row('E10', 'a status line that is none', [
    lined('HTTP/1.0', `HTTP/1.0 200 OK\r\n${FIELDS}`, 'allow'),
    lined('no reason', `HTTP/1.1 200 \r\n${FIELDS}`, 'allow'),
    lined('no reason and no blank', `HTTP/1.1 200\r\n${FIELDS}`, 'allow'),
    lined('a reason that says 401', `HTTP/1.1 200 401 No\r\n${FIELDS}`, 'allow'),
    lined('a reason of 401 that says 200', `HTTP/1.1 401 200 OK\r\n${FIELDS}`, 'denied'),
    lined('0200', `HTTP/1.1 0200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('2000', `HTTP/1.1 2000 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('20', `HTTP/1.1 20 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('2e2', `HTTP/1.1 2e2 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('+200', `HTTP/1.1 +200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('-200', `HTTP/1.1 -200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('200.0', `HTTP/1.1 200.0 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('no status', `HTTP/1.1 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('HTTP/2.0', `HTTP/2.0 200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('HTTP/9.9', `HTTP/9.9 200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('http/1.1', `http/1.1 200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('ICY', `ICY 200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('HTTP/0.9', ALICE, NO_ANSWER),
    lined('a line end before it', Buffer.concat([Buffer.from('\r\n'), ok()]), [
      'allow',
      'unreachable',
    ]),
    lined('two blanks', `HTTP/1.1  200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('a tab', `HTTP/1.1\t200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('a blank before it', ` HTTP/1.1 200 OK\r\n${FIELDS}`, NO_ANSWER),
    lined('line feeds alone', `HTTP/1.1 200 OK\n${FIELDS.replace(/\r/g, '')}`, 'allow'),
    lined('carriage returns alone', `HTTP/1.1 200 OK\r${FIELDS.replace(/\n/g, '')}`, NO_ANSWER),
    lined('a NUL in it', `HTTP/1.1 200 O\0K\r\n${FIELDS}`, NO_ANSWER),
    lined('an SSH banner', 'SSH-2.0-OpenSSH_9.6\r\n', NO_ANSWER),
    lined('an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', NO_ANSWER),
  ]),
]

function reasonOf(status: number): Expectation {
  if (status === 429) return 'rate_limited'
  return status >= 500 && status <= 599 ? 'service_error' : 'denied'
}
