import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { describeRows } from '../../../src/cli/conformance/report.ts'
import { close, listen } from '../../support/loopback.ts'
import type { Server } from 'node:http'
import type { Row } from '../../../src/cli/conformance/row.ts'

const KEY = `sk-${'g'.repeat(24)}`

let server: Server | undefined
afterEach(async () => {
  vi.useRealTimers()
  if (server !== undefined) await close(server)
})

/** Asks an endpoint that answers its nth question with the nth status. */
async function examineAnswers(statuses: readonly number[], key?: string) {
  const left = [...statuses]
  server = createServer((request, response) => {
    void text(request).then(() => response.writeHead(left.shift() ?? 500).end())
  })
  const url = `http://127.0.0.1:${await listen(server)}/`
  const rows = await examine({ url, headers: {}, timeoutMs: 5000 }, key)
  return rows.map((row) => ({ ...row, did: row.did.replaceAll(/\d+ ms/g, 'N ms') }))
}

/** The status of each question, in the order in which they are asked. */
function answersTo(like: readonly number[], incomplete: readonly number[]): readonly number[] {
  return [200, 401, ...like, 401, 400, ...incomplete, 200]
}

const REFUSED = [400, 400, 400, 400, 400, 400]

describe('a row about several questions is that of the worst answer', () => {
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

  it.each([0, 1, 2, 3, 4, 5])('missing fields: what is let in is number %i', async (index) => {
    const incomplete = REFUSED.map((status, at) => (at === index ? 200 : status))
    const rows = await examineAnswers(answersTo([401, 401, 401], incomplete), KEY)
    const failed = rows.filter(({ result }) => result === 'fail')
    expect(failed).toEqual([
      {
        check: 'missing fields',
        result: 'fail',
        did: '200 in N ms',
        wrapper: 'never sends this',
        change:
          'answer 400 to a question without "api_key" or "request": whoever can reach the endpoint can send it',
      },
    ])
  })
})

/** But for the speed, which depends on the machine. */
function whole(rows: readonly Row[]): string {
  return describeRows(rows.filter(({ check }) => check !== 'slow answers'))
}

describe('the whole report', () => {
  it('of an endpoint that lets everybody in fails every check of a refusal', async () => {
    const rows = await examineAnswers(Array<number>(14).fill(200), KEY)
    expect(whole(rows)).toBe(`        CHECK            WHAT IT DID   WHAT WITH-AUTH MAKES OF IT
  ok    good key         200 in N ms   lets in, as nobody
  FAIL  bad key          200 in N ms   lets in, as nobody
        -> answer 401 to a key that you do not know; a page that answers 200 to everybody lets everybody in
  FAIL  nearly good key  200 in N ms   lets in, as nobody
        -> answer 401 to a key that you do not know; a page that answers 200 to everybody lets everybody in
  FAIL  empty key        200 in N ms   never sends this
        -> answer 400 to an empty "api_key": whoever can reach the endpoint can send it
  FAIL  malformed JSON   200 in N ms   never sends this
        -> answer 400 to JSON that breaks off: whoever can reach the endpoint can send it
  FAIL  missing fields   200 in N ms   never sends this
        -> answer 400 to a question without "api_key" or "request": whoever can reach the endpoint can send it
  ok    big headers      200 in N ms   lets in, as nobody
  note  identity         names nobody  lets in, as nobody
        -> answer {"principal": "...", "attributes": {"...": ["..."]}} to say whose key it is
  note  Cache-Control    says nothing  keeps it as long as "cache" says
        -> send "Cache-Control: max-age=30" if a verdict must not be kept for longer
  ok    redirects        none          follows none

5 of 10 checks failed.
`)
  })

  it('without a good key says what is left out, and how to give one', async () => {
    const rows = await examineAnswers(Array<number>(10).fill(401))
    expect(whole(rows))
      .toBe(`        CHECK            WHAT IT DID                            WHAT WITH-AUTH MAKES OF IT
  -     good key         set WITH_AUTH_KEY, or give --key-file  -
  ok    bad key          401 in N ms                            refuses: denied
  -     nearly good key  no good key was let in                 -
  ok    empty key        401 in N ms                            never sends this
  ok    malformed JSON   401 in N ms                            never sends this
  ok    missing fields   401 in N ms                            never sends this
  ok    big headers      401 in N ms                            refuses: denied
  -     identity         set WITH_AUTH_KEY, or give --key-file  -
  note  Cache-Control    says nothing                           keeps it as long as "cache" says
        -> send "Cache-Control: max-age=30" if a verdict must not be kept for longer
  ok    redirects        none                                   follows none

Nothing failed.
`)
  })

  it('of an endpoint that refuses the good key looks at no other that is like it', async () => {
    const rows = await examineAnswers(Array<number>(11).fill(401), KEY)
    expect(whole(rows))
      .toBe(`        CHECK            WHAT IT DID                  WHAT WITH-AUTH MAKES OF IT
  FAIL  good key         401 in N ms                  refuses: denied
        -> the key is refused: is it known here, and read from "api_key" of the JSON body?
  ok    bad key          401 in N ms                  refuses: denied
  -     nearly good key  no good key was let in       -
  ok    empty key        401 in N ms                  never sends this
  ok    malformed JSON   401 in N ms                  never sends this
  ok    missing fields   401 in N ms                  never sends this
  FAIL  big headers      401 in N ms                  refuses: denied
        -> the key is refused: is it known here, and read from "api_key" of the JSON body?
  -     identity         the good key was not let in  -
  note  Cache-Control    says nothing                 keeps it as long as "cache" says
        -> send "Cache-Control: max-age=30" if a verdict must not be kept for longer
  ok    redirects        none                         follows none

2 of 10 checks failed.
`)
  })
})

it('all questions together have a minute', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  let count = 0
  server = createServer(() => {
    count += 1
    if (count === 1) vi.advanceTimersByTime(60_000)
  })
  const url = `http://127.0.0.1:${await listen(server)}/`
  const startedAt = Date.now()
  const rows = await examine({ url, headers: {}, timeoutMs: 800 }, undefined)
  expect(rows.find(({ check }) => check === 'slow answers')?.did).toBe('10 did not end in time')
  // Each but the first is given up at once; all of them in full would take eight seconds.
  expect(Date.now() - startedAt).toBeLessThan(4000)
})
