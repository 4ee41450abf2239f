import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { whyLeftOut } from '../../../src/cli/conformance/finding.ts'
import { conclude, describeHeading, describeRow } from '../../../src/cli/conformance/report.ts'
import { close, listen } from '../../support/loopback.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Row } from '../../../src/cli/conformance/finding.ts'

const KEY = `sk-${'g'.repeat(24)}`

let server: Server | undefined
afterEach(async () => {
  vi.useRealTimers()
  if (server !== undefined) await close(server)
})

/** Examines an endpoint that answers its nth question with the nth status. */
async function examineAnswers(statuses: readonly number[], key?: string) {
  const left = [...statuses]
  server = createServer((request, response) => {
    void text(request).then(() => response.writeHead(left.shift() ?? 500).end())
  })
  const url = `http://127.0.0.1:${await listen(server)}/`
  const rows = await examine({ url, headers: {}, timeoutMs: 5000 }, key)
  return rows.map((row) => ({ ...row, did: row.did.replaceAll(/\d+ ms/g, 'N ms') }))
}

/** The status for each question, in the order of the questions. */
function answersTo(like: readonly number[], incomplete: readonly number[]): readonly number[] {
  return [200, 401, ...like, 401, ...REFUSED, 401, 400, ...incomplete, 200]
}

const REFUSED = [400, 400, 400, 400, 400, 400]
const INCOMPLETE = [
  '{}',
  'a question without "api_key"',
  'a question without "request"',
  '"api_key": null',
  '[]',
  'null',
]

describe('a row about several questions shows the worst answer', () => {
  it.each([
    [[401, 401, 401], 'ok', '401 in N ms'],
    [[401, 403, 401], 'ok', '401 in N ms'],
    [[200, 401, 401], 'fail', '200 in N ms'],
    [[401, 200, 401], 'fail', '200 in N ms'],
    [[401, 401, 200], 'fail', '200 in N ms'],
    [[404, 401, 401], 'note', '404 in N ms'],
    [[401, 404, 401], 'note', '404 in N ms'],
    [[404, 200, 401], 'fail', '200 in N ms'],
    [[200, 404, 401], 'fail', '200 in N ms'],
    [[500, 200, 404], 'fail', '500 in N ms'],
  ])('nearly good keys: %j', async (statuses, result, did) => {
    const rows = await examineAnswers(answersTo(statuses, REFUSED), KEY)
    expect(rows.find(({ check }) => check === 'nearly good key')).toMatchObject({ result, did })
  })

  it.each([0, 1, 2, 3, 4, 5])('missing fields: the endpoint allows number %i', async (index) => {
    const incomplete = REFUSED.map((status, at) => (at === index ? 200 : status))
    const rows = await examineAnswers(answersTo([401, 401, 401], incomplete), KEY)
    const failed = rows.filter(({ result }) => result === 'fail')
    expect(failed).toEqual([
      {
        check: 'missing fields',
        result: 'fail',
        did: '200 in N ms',
        wrapper: 'never sends this',
        change: `answer 400 to ${INCOMPLETE[index]}: any client that reaches the endpoint can send it`,
      },
    ])
  })
})

/** The printed report without the speed, which depends on the machine. */
function whole(rows: readonly Row[]): string {
  const shown = rows.filter((row) => row.check !== 'slow answers' && whyLeftOut(row) === undefined)
  const lines = shown.map((row) => describeRow(row, false))
  return `${describeHeading()}${lines.join('')}\n${conclude(rows)}`
}

describe('the whole report', () => {
  it('stops after the endpoint allowed a random key', async () => {
    const rows = await examineAnswers(Array<number>(2).fill(200), KEY)
    expect(whole(rows))
      .toBe(`           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  ok       good key         200 in N ms                allows, no principal
  note     identity         names no principal         allows, no principal
           -> answer {"principal": "...", "attributes": {"...": ["..."]}} to
              name the owner of the key
  FAIL     bad key          200 in N ms                allows, no principal
           -> answer 401 to an unknown key: a page that always answers 200
              allows every key

Stopped: a random key was allowed.
1 ok, 1 note, 1 failed, 10 skipped
`)
  })

  it('stops after the endpoint failed for both keys', async () => {
    const rows = await examineAnswers([500, 429], KEY)
    expect(whole(rows))
      .toBe(`           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  FAIL     good key         500 in N ms                rejects: service_error
           -> answer 200 or 401: a 5xx is taken for an outage
  skipped  identity         the good key was not allowed
  FAIL     bad key          429 in N ms                rejects: rate_limited
           -> do not limit the gateway: it asks on behalf of all clients

Stopped: no key got a verdict.
0 ok, 2 failed, 11 skipped
`)
  })

  it('without a valid key: lists the rows left out, and how to give a key', async () => {
    const rows = await examineAnswers(Array<number>(16).fill(401))
    expect(whole(rows))
      .toBe(`           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  skipped  good key         set WITH_AUTH_KEY, or give --key-file
  skipped  identity         no good key was given
  ok       bad key          401 in N ms                rejects: denied
  note     Cache-Control    says nothing               obeys the option "cache"
           -> send "Cache-Control: max-age=30" to limit how long a decision is
              cached
  skipped  nearly good key  no good key was given
  skipped  other-case key   no good key was given
  ok       structured key   401 in N ms                never sends this
  ok       empty key        401 in N ms                never sends this
  ok       malformed JSON   401 in N ms                never sends this
  ok       missing fields   401 in N ms                never sends this
  ok       big headers      401 in N ms                rejects: denied
  ok       redirects        none                       follows none

8 ok, 1 note, 0 failed, 4 skipped
`)
  })
})

describe('the minute for all questions', () => {
  const SILENT = 0

  /** Advances the clock by the nth number of milliseconds, then answers the nth question with the nth status. */
  async function examineSlow(passes: readonly number[], statuses: readonly number[] = []) {
    vi.useFakeTimers({ toFake: ['performance'] })
    let count = 0
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      await text(request)
      vi.advanceTimersByTime(passes[count] ?? 0)
      const status = statuses[count] ?? 401
      count += 1
      if (status !== SILENT) response.writeHead(status).end()
    }
    server = createServer((request, response) => void answer(request, response))
    const url = `http://127.0.0.1:${await listen(server)}/`
    const rows = await examine({ url, headers: {}, timeoutMs: 5000 }, undefined)
    return { count, rows: rows.filter(({ did }) => !did.startsWith('no good key')) }
  }

  it('completes a full row and asks nothing more', async () => {
    const { count, rows } = await examineSlow([60_000])
    expect(count).toBe(1)
    expect(rows.map(({ check, result }) => [check, result]).slice(1, 3)).toEqual([
      ['bad key', 'ok'],
      ['Cache-Control', 'skipped'],
    ])
    expect(rows.at(-1)).toEqual({
      check: 'slow answers',
      result: 'fail',
      did: '1 answer in a minute',
      wrapper: 'waits',
      change: 'answer within about 100 ms: each request without a cached decision waits this long',
    })
    expect(conclude(rows)).toMatch(/^Stopped: the minute for all questions is over\.$/m)
  })

  it('leaves out a row that is only half answered', async () => {
    const { rows } = await examineSlow([0, 0, 60_000])
    expect(rows.find(({ check }) => check === 'structured key')).toMatchObject({
      result: 'skipped',
      did: 'not asked: the minute for all questions is over',
    })
    expect(rows.at(-1)?.did).toBe('3 answers in a minute')
  })

  it('keeps a row that failed in time', async () => {
    const { rows } = await examineSlow([0, 0, 60_000], [401, 401, 200])
    expect(rows.find(({ check }) => check === 'structured key')?.result).toBe('fail')
    const { rows: earlier } = await examineSlow([0, 0, 60_000], [401, 200])
    expect(earlier.find(({ check }) => check === 'structured key')?.result).toBe('fail')
  })

  it('does not fail the row of a question that was cut off', async () => {
    const { count, rows } = await examineSlow([59_900], [401, SILENT])
    expect(count).toBe(2)
    expect(rows.filter(({ result }) => result === 'fail')).toMatchObject([
      { check: 'slow answers', did: '1 answer in a minute' },
    ])
  })
})
