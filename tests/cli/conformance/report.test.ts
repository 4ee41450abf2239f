import { afterEach, describe, expect, it, vi } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { skipped, whyLeftOut } from '../../../src/cli/conformance/finding.ts'
import { conclude, describeHeading, describeRow } from '../../../src/cli/conformance/report.ts'
import { startService } from '../../support/verifier-service.ts'
import type { Row } from '../../../src/cli/conformance/finding.ts'

const KEY = `sk-${'g'.repeat(24)}`
const SILENT = 0

afterEach(() => {
  vi.useRealTimers()
})

/** Examines an endpoint that answers its nth question with the nth status, after the nth number of milliseconds. */
async function examineAnswers(
  statuses: readonly number[],
  key?: string,
  passes: readonly number[] = [],
) {
  vi.useFakeTimers({ toFake: ['performance'] })
  let count = 0
  const { port } = await startService((_, response) => {
    vi.advanceTimersByTime(passes[count] ?? 0)
    const status = statuses[count] ?? 401
    count += 1
    if (status !== SILENT) response.writeHead(status).end()
    return undefined
  })
  const url = `http://127.0.0.1:${port}/`
  const rows = await examine({ url, headers: {}, timeoutMs: 5000 }, key)
  const rowOf = (name: string): Row | undefined => rows.find(({ check }) => check === name)
  return { count, rows, rowOf }
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
    [[401, 401, 401], 'ok', 401],
    [[401, 403, 401], 'ok', 401],
    [[200, 401, 401], 'fail', 200],
    [[401, 200, 401], 'fail', 200],
    [[401, 401, 200], 'fail', 200],
    [[404, 401, 401], 'note', 404],
    [[401, 404, 401], 'note', 404],
    [[404, 200, 401], 'fail', 200],
    [[200, 404, 401], 'fail', 200],
    [[500, 200, 404], 'fail', 500],
  ])('nearly good keys: %j is %s', async (statuses, result, worst) => {
    const { rowOf } = await examineAnswers(answersTo(statuses, REFUSED), KEY)
    expect(rowOf('nearly good key')).toMatchObject({ result, did: `${worst} in 0 ms` })
  })

  it.each([
    ['nearly good key', 2, 'answer 401 to the good key plus one letter: '],
    ['nearly good key', 3, 'answer 401 to the good key with one letter changed: '],
    ['nearly good key', 4, 'answer 401 to the first half of the good key: '],
    ['structured key', 7, 'answer 400 to "api_key": {"$gt": ""}: '],
    ['structured key', 9, 'answer 400 to "api_key": 0: '],
  ])('%s: the endpoint allows question %i, and is told %s', async (check, allowed, change) => {
    const statuses = answersTo([401, 401, 401], REFUSED)
    const { rowOf } = await examineAnswers(
      statuses.map((status, index) => (index === allowed ? 200 : status)),
      KEY,
    )
    expect(rowOf(check)?.change).toContain(change)
  })

  it.each(INCOMPLETE)('missing fields: the endpoint allows %s', async (what) => {
    const incomplete = INCOMPLETE.map((one) => (one === what ? 200 : 400))
    const { rows } = await examineAnswers(answersTo([401, 401, 401], incomplete), KEY)
    expect(rows.filter(({ result }) => result === 'fail')).toEqual([
      {
        check: 'missing fields',
        result: 'fail',
        did: '200 in 0 ms',
        wrapper: 'never sends this',
        change: `answer 400 to ${what}: any client that reaches the endpoint can send it`,
      },
    ])
  })
})

describe('the whole report', () => {
  const whole = (rows: readonly Row[]): string => {
    const shown = rows.filter((row) => whyLeftOut(row) === undefined)
    const lines = shown.map((row) => describeRow(row, false))
    return `${describeHeading()}${lines.join('')}\n${conclude(rows)}`
  }

  it('stops after the endpoint allowed a random key', async () => {
    const { rows } = await examineAnswers([200, 200], KEY)
    expect(whole(rows))
      .toBe(`           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  ok       good key         200 in 0 ms                allows, no principal
  note     identity         names no principal         allows, no principal
           -> answer {"principal": "...", "attributes": {"...": ["..."]}} to
              name the owner of the key
  FAIL     bad key          200 in 0 ms                allows, no principal
           -> answer 401 to an unknown key: a page that always answers 200
              allows every key

Stopped: a random key was allowed.
1 ok, 1 note, 1 failed, 10 skipped
`)
  })

  it('stops after the endpoint failed for both keys', async () => {
    const { rows } = await examineAnswers([500, 429], KEY)
    expect(conclude(rows)).toBe('Stopped: no key got a verdict.\n0 ok, 2 failed, 11 skipped\n')
    expect(rows[1]).toEqual({ check: 'identity', ...skipped('the good key was not allowed') })
  })

  it('without a valid key: lists the rows left out, and how to give a key', async () => {
    const { rows } = await examineAnswers([])
    expect(whole(rows))
      .toBe(`           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  skipped  good key         set WITH_AUTH_KEY, or give --key-file
  skipped  identity         no good key was given
  ok       bad key          401 in 0 ms                rejects: denied
  note     Cache-Control    says nothing               obeys the option "cache"
           -> send "Cache-Control: max-age=30" to limit how long a decision is
              cached
  skipped  nearly good key  no good key was given
  skipped  other-case key   no good key was given
  ok       structured key   401 in 0 ms                never sends this
  ok       empty key        401 in 0 ms                never sends this
  ok       malformed JSON   401 in 0 ms                never sends this
  ok       missing fields   401 in 0 ms                never sends this
  ok       big headers      401 in 0 ms                rejects: denied
  ok       redirects        none                       follows none
  ok       slow answers     slowest: 0 ms              waits

8 ok, 1 note, 0 failed, 4 skipped
`)
  })
})

describe('slow answers', () => {
  const change =
    'answer within about 100 ms: each request without a cached decision waits this long'

  it.each([
    [999, { result: 'ok' }],
    [1000, { result: 'note', change }],
  ])('of %i ms', async (ms, expected) => {
    const { rowOf } = await examineAnswers([], undefined, [1, ms])
    const row = { check: 'slow answers', did: `slowest: ${ms} ms`, wrapper: 'waits' }
    expect(rowOf('slow answers')).toEqual({ ...row, ...expected })
  })

  it('end the minute for all questions: a full row is completed, and nothing more is asked', async () => {
    const { count, rows, rowOf } = await examineAnswers([], undefined, [60_000])
    expect(count).toBe(1)
    expect([rowOf('bad key')?.result, rowOf('Cache-Control')?.result]).toEqual(['ok', 'skipped'])
    expect(rows.at(-1)).toEqual({
      check: 'slow answers',
      result: 'fail',
      did: '1 answer in a minute',
      wrapper: 'waits',
      change,
    })
    expect(conclude(rows)).toMatch(/^Stopped: the minute for all questions is over\.$/m)
  })

  it.each([
    ['leave out a row that is only half answered', [], 'skipped'],
    ['keep a row that failed in time', [401, 401, 200], 'fail'],
    ['keep a row whose first question failed in time', [401, 200], 'fail'],
  ])('%s', async (_, statuses, result) => {
    const { rows, rowOf } = await examineAnswers(statuses, undefined, [0, 0, 60_000])
    const left = { did: 'not asked: the minute for all questions is over' }
    expect(rowOf('structured key')).toMatchObject({ result, ...(result === 'skipped' ? left : {}) })
    expect(rows.at(-1)?.did).toBe('3 answers in a minute')
  })

  it('do not fail the row of a question that was cut off', async () => {
    const { count, rows } = await examineAnswers([401, SILENT], undefined, [59_900])
    expect(count).toBe(2)
    expect(rows.filter(({ result }) => result === 'fail')).toMatchObject([
      { check: 'slow answers', did: '1 answer in a minute' },
    ])
  })
})

const good: Row = { check: 'good key', result: 'ok', did: '200 in 3 ms', wrapper: 'lets in' }
const bad: Row = { ...good, check: 'bad key', result: 'fail', change: 'answer 401' }
const note: Row = { ...good, check: 'identity', result: 'note' }

it('wraps at 80 columns, with or without spaces', () => {
  const change = `${'answer 401 '.repeat(10)}${'x'.repeat(100)} at last`
  const did = 'no answer: ERR_SSL_WRONG_VERSION_NUMBER'
  const row = { ...bad, did, wrapper: 'rejects: unreachable', change }
  expect(describeRow(row, false).trimEnd().split('\n')).toEqual([
    '  FAIL     bad key          no answer: ERR_SSL_WRONG_VERSION_NUMBER',
    '                            rejects: unreachable',
    '           -> answer 401 answer 401 answer 401 answer 401 answer 401 answer 401',
    '              answer 401 answer 401 answer 401 answer 401',
    `${' '.repeat(14)}${'x'.repeat(66)}`,
    `${' '.repeat(14)}${'x'.repeat(34)} at last`,
  ])
})

it('adds colors without moving columns, and counts the rows', () => {
  const rows = [good, bad, note, { check: 'padded key', ...skipped('ok') }]
  const colored = rows.map((row) => describeRow(row, true))
  expect(colored.map((line) => line.trim().split(' ')[0])).toEqual([
    '\u{1b}[32mok\u{1b}[0m',
    '\u{1b}[31mFAIL\u{1b}[0m',
    '\u{1b}[33mnote\u{1b}[0m',
    '\u{1b}[90mskipped\u{1b}[0m',
  ])
  // oxlint-disable-next-line no-control-regex
  const plain = colored.map((line) => line.replaceAll(/\x1b\[\d+m/g, ''))
  expect(plain).toEqual(rows.map((row) => describeRow(row, false)))
  expect(conclude([...rows, note])).toBe('1 ok, 2 notes, 1 failed, 1 skipped\n')
  expect(conclude([good, good])).toBe('2 ok, 0 failed\n')
})
