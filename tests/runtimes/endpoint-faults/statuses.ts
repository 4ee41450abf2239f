import { createServer } from 'node:http'
import { expect } from 'vitest'
import { close, listen } from '../../support/loopback.ts'
import { ALICE, always, inPieces, ok, once, response, unframed, unfinished } from './answers.ts'
import { faulty, FETCHING, NODE, on } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Case, Deviation, Expectation, Row } from './row.ts'
import type { Site } from './site.ts'

/** The endpoint answers something else than 200, or something like it. */

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

const redirects = [301, 302, 303, 307, 308].flatMap((status) => [
  redirectToAttacker(`${status} to a URL`, status, (host) => `http://${host}/login`),
  redirectToAttacker(`${status} to a URL without a scheme`, status, (host) => `//${host}/login`),
])

function answered(status: number, expected: Expectation, ...deviations: Deviation[]): Case {
  const line = `HTTP/1.1 ${status} Odd`
  const bytes = WITHOUT_A_BODY.has(status) ? unframed(line) : response(line, {}, ALICE)
  return faulty(String(status), always(bytes), expected, ...deviations)
}

function redirected(name: string, status: number, location: string | undefined): Case {
  const fields = location === undefined ? {} : { location }
  const bytes = response(`HTTP/1.1 ${status} Moved`, fields, ALICE)
  return faulty(name, always(bytes), 'denied')
}

/** A status line that is none, or one like it, before the usual headers. */
function lined(
  name: string,
  line: string,
  expected: Expectation = 'unreachable',
  ...deviations: Deviation[]
): Case {
  return faulty(name, once(`${line}\r\n${FIELDS}`), expected, ...deviations)
}

const INFORMATION = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n'
const REFUSAL = response('HTTP/1.1 401 No', {}, ALICE)
const FIELDS = `content-length: ${ALICE.length}\r\n\r\n${ALICE}`

export const STATUS_ROWS: readonly Row[] = [
  { title: 'a redirect to another host that answers 200', cases: redirects },
  {
    title: 'a redirect to nowhere',
    nightly: true,
    cases: [
      redirected('to itself', 307, '/validate'),
      redirected('to http', 302, 'http://127.0.0.1:9/'),
      redirected('to a file', 302, 'file:///etc/passwd'),
      redirected('to data', 302, 'data:application/json,{}'),
      redirected('to an invalid URL', 302, 'http://[/'),
      redirected('to nothing', 302, ''),
      redirected('without a location', 302, undefined),
      redirected('300', 300, '/validate'),
      redirected('305', 305, '/validate'),
    ],
  },
  {
    title: 'a status other than 200',
    cases: [
      ...[201, 204, 205, 206, 226, 299].map((status) => answered(status, 'denied')),
      ...[304, 400, 401, 408, 426].map((status) => answered(status, 'denied')),
      // Fetch standard, HTTP-network-or-cache fetch: a 407 without a window is a network error.
      answered(407, 'denied', on(FETCHING, 'unreachable')),
      // The same: after a 421 it is asked again on another connection.
      { ...answered(421, 'denied'), callsAtOnce: 2 },
      answered(429, 'rate_limited'),
      ...[500, 503, 599].map((status) => answered(status, 'service_error')),
      ...[600, 999].map((status) => answered(status, 'denied')),
    ],
  },
  {
    title: '1xx, alone and before an answer',
    cases: [
      // undici destroys the connection for a 100 that it did not ask for.
      faulty(
        '100, then 200',
        always('HTTP/1.1 100 Continue\r\n\r\n', ok()),
        'allow',
        on(NODE, 'unreachable'),
      ),
      faulty(
        '100, then nothing',
        unfinished('HTTP/1.1 100 Continue\r\n\r\n'),
        'timeout',
        on(NODE, 'unreachable'),
      ),
      faulty('102, then 200', always('HTTP/1.1 102 Processing\r\n\r\n', ok()), 'allow'),
      faulty('103, then 200', always(INFORMATION, ok()), 'allow'),
      faulty('103, and later 200', inPieces([INFORMATION, ok()], 50), 'allow'),
      faulty('ten times 103, then 200', always(INFORMATION.repeat(10), ok()), 'allow'),
      faulty('103, then 401', always(INFORMATION, REFUSAL), 'denied'),
      faulty('103, then nothing', unfinished(INFORMATION), 'timeout'),
      faulty('103, then the end', once(INFORMATION), 'unreachable'),
      faulty('199, then nothing', unfinished('HTTP/1.1 199 Odd\r\n\r\n'), 'timeout'),
      faulty(
        '101 to another protocol, then 200',
        always('HTTP/1.1 101 Go\r\nupgrade: odd\r\nconnection: upgrade\r\n\r\n', ok()),
        ['unreachable', 'denied'],
      ),
    ],
  },
  {
    title: 'a status line that is none',
    cases: [
      lined('HTTP/1.0', 'HTTP/1.0 200 OK', 'allow'),
      lined('no reason', 'HTTP/1.1 200 ', 'allow'),
      lined('no reason and no blank', 'HTTP/1.1 200', 'allow'),
      lined('a reason that says 401', 'HTTP/1.1 200 401 No', 'allow'),
      lined('a reason of 401 that says 200', 'HTTP/1.1 401 200 OK', 'denied'),
      ...['0200', '2000', '20', '2e2', '+200', '-200', '200.0'].map((status) =>
        lined(status, `HTTP/1.1 ${status} OK`),
      ),
      lined('no status', 'HTTP/1.1 OK'),
      // llhttp reads the digits of the version, and does not look at the reason.
      lined('HTTP/2.0', 'HTTP/2.0 200 OK', 'unreachable', on(NODE, 'allow')),
      lined('a NUL in it', 'HTTP/1.1 200 O\0K', 'unreachable', on(NODE, 'allow')),
      ...['HTTP/9.9', 'http/1.1', 'ICY'].map((version) => lined(version, `${version} 200 OK`)),
      // picohttpparser skips all blanks between the version and the status.
      lined('two blanks', 'HTTP/1.1  200 OK', 'unreachable', on('Bun', 'allow')),
      lined('a tab', 'HTTP/1.1\t200 OK'),
      lined('a blank before it', ' HTTP/1.1 200 OK'),
      faulty('HTTP/0.9', once(ALICE), 'unreachable'),
      faulty('a line end before it', once('\r\n', ok()), ['allow', 'unreachable']),
      // llhttp requires CR LF, though RFC 9112 §2.2 lets a recipient do without the CR.
      faulty(
        'line feeds alone',
        once(`HTTP/1.1 200 OK\n${FIELDS.replaceAll('\r', '')}`),
        'allow',
        on(NODE, 'unreachable'),
      ),
      faulty(
        'carriage returns alone',
        once(`HTTP/1.1 200 OK\r${FIELDS.replaceAll('\n', '')}`),
        'unreachable',
      ),
      faulty('an SSH banner', once('SSH-2.0-OpenSSH_9.6\r\n'), 'unreachable'),
      faulty('an HTTP/2 preface', once('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'unreachable'),
    ],
  },
]
