import { afterEach, describe, expect, it, vi } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { startService } from '../../support/verifier-service.ts'
import type { ServerResponse } from 'node:http'
import type { ServiceCall } from '../../support/verifier-service.ts'
import type { Row } from '../../../src/cli/conformance/finding.ts'

const KEY = `sk-${'g'.repeat(24)}`
const NO_KEY = ''

afterEach(() => {
  vi.useRealTimers()
})

/** Answers a question or breaks the connection. */
type Endpoint = (response: ServerResponse, body: string, call: ServiceCall) => void

async function examineReal(
  endpoint: Endpoint,
  key = KEY,
  onRow: (row: Row) => void = () => undefined,
) {
  const { port } = await startService((call, response) => {
    endpoint(response, call.body, call)
    return undefined
  })
  const target = { url: `http://127.0.0.1:${port}/validate`, headers: { 'x-secret': 's' } }
  const goodKey = key === NO_KEY ? undefined : key
  const rows = await examine({ ...target, timeoutMs: 2000 }, goodKey, onRow)
  expect(JSON.stringify(rows)).not.toContain(KEY)
  return rows
}

/** The rows that are not `ok`. */
function problems(rows: readonly Row[]): Record<string, string> {
  const found = rows.filter(({ result }) => result !== 'ok')
  return Object.fromEntries(found.map(({ check, result }) => [check, result]))
}

function end(response: ServerResponse, status: number, body = '', headers = {}): void {
  response.writeHead(status, headers).end(body)
}

function readKey(body: string): unknown {
  try {
    const question = JSON.parse(body) as { api_key?: unknown; request?: unknown } | null
    return question?.request === undefined ? undefined : question.api_key
  } catch {
    return undefined
  }
}

const correct = (response: ServerResponse, body: string): void => {
  const key = readKey(body)
  if (typeof key !== 'string') return end(response, 400)
  if (key !== KEY) return end(response, 401)
  end(response, 200, JSON.stringify({ principal: KEY }), { 'cache-control': 'max-age=30' })
}

describe('the questions', () => {
  const random: unknown = expect.stringMatching(/^random_\w+$/)

  /** All bodies that an endpoint was asked with. */
  async function bodiesFor(key: string): Promise<string[]> {
    const bodies: string[] = []
    await examineReal((response, body, { method, headers }) => {
      expect(method).toBe('POST')
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-secret': 's' })
      bodies.push(body)
      end(response, readKey(body) === key ? 200 : 401)
    }, key)
    return bodies
  }

  it('are those of the contract about keys of each kind, then broken ones', async () => {
    const bodies = await bodiesFor('sk-aBAc9')
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      api_key: 'sk-aBAc9',
      request: {
        path: '/v1/models',
        headers: { accept: 'application/json', authorization: 'Bearer sk-aBAc9' },
        params: { limit: '10', tag: ['new', 'small'] },
      },
    })
    expect(bodies.slice(0, 13).map(readKey)).toEqual([
      'sk-aBAc9',
      random,
      // Like the good key: one letter more, one letter changed, its first half, and in the other case.
      'sk-aBAc9A',
      'sk-aAAc9',
      'sk-a',
      'SK-AbaC9',
      { $ne: null },
      { $gt: '' },
      true,
      0,
      1,
      ['sk-aBAc9'],
      '',
    ])
    // The good key is in the headers of no question about something else.
    expect(bodies.slice(6, 12).filter((body) => body.includes('Bearer sk-aBAc9'))).toEqual([])
    expect(() => JSON.parse(bodies[13] ?? '') as unknown).toThrow(SyntaxError)
    expect(bodies[13]).toMatch(
      /^\{"api_key":"random_\w+","request":\{"path":"\/v1\/models",.*"params":\{"limit":"10"/,
    )
    const request = { path: '/', headers: {}, params: {} }
    const incomplete = [{}, { request }, { api_key: random }, { api_key: null, request }, [], null]
    expect(bodies.slice(14, 20).map((body) => JSON.parse(body) as unknown)).toEqual(incomplete)
    expect(bodies).toHaveLength(21)
    expect(bodies[20]?.length).toBeGreaterThan(32_768)
    expect((await bodiesFor(NO_KEY)).map(readKey)).toContainEqual([random])
  })

  it('change another letter of a key with an A in its middle, and swap no case without letters', async () => {
    expect((await bodiesFor('01A34')).map(readKey).slice(2, 6)).toEqual([
      '01A34A',
      '01B34',
      '01',
      '01a34',
    ])
    const rows = await examineReal(
      (response, body) => end(response, readKey(body) === '0123-_.' ? 200 : 401),
      '0123-_.',
    )
    expect(rows.find(({ check }) => check === 'other-case key')).toMatchObject({
      result: 'skipped',
      did: 'the good key has no letters',
    })
  })
})

const STOPPED = Object.fromEntries(
  ['empty key', 'malformed JSON', 'missing fields', 'big headers', 'redirects', 'slow answers'].map(
    (check) => [check, 'skipped'],
  ),
)

describe('an endpoint', () => {
  it('that is correct passes, even if it repeats the key', async () => {
    const rows = await examineReal(correct)
    expect(problems(rows)).toEqual({})
    expect(rows).toHaveLength(13)
  })

  it.each<[string, Endpoint, Record<string, string>]>([
    [
      'compares only the beginning of a key',
      (response, body) => {
        const key = readKey(body)
        if (typeof key !== 'string' || !key.startsWith(KEY.slice(0, 5))) return end(response, 401)
        end(response, 200, '{"principal":"a"}', { 'cache-control': 'max-age=1' })
      },
      { 'nearly good key': 'fail' },
    ],
    [
      'has no secret configured and allows an empty key',
      (response, body) => {
        if (readKey(body) === '') return end(response, 200)
        correct(response, body)
      },
      { 'empty key': 'fail' },
    ],
    [
      'fails on unexpected input',
      (response, body) => {
        if (typeof readKey(body) === 'string') return correct(response, body)
        response.destroy()
      },
      { 'structured key': 'fail', ...STOPPED },
    ],
    [
      'accepts only small bodies',
      (response, body) => {
        if (body.length > 16_384) return end(response, 413)
        correct(response, body)
      },
      { 'big headers': 'fail' },
    ],
    [
      'answers 204 to valid keys',
      (response, body) => end(response, readKey(body) === KEY ? 204 : 401),
      {
        'good key': 'fail',
        identity: 'skipped',
        'Cache-Control': 'skipped',
        'nearly good key': 'skipped',
        'other-case key': 'skipped',
      },
    ],
    [
      'sends a body that is too long',
      (response, body) => {
        if (readKey(body) !== KEY) return correct(response, body)
        end(response, 200, 'x'.repeat(70_000), { 'cache-control': 'max-age=1' })
      },
      { identity: 'note' },
    ],
  ])('%s', async (_, endpoint, expected) => {
    expect(problems(await examineReal(endpoint))).toEqual(expected)
  })

  it('that never ends its body is given up at the deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { fetch } = globalThis
    vi.spyOn(globalThis, 'fetch').mockImplementationOnce(async (...question) => {
      const head = await fetch(...question)
      setImmediate(() => vi.advanceTimersByTime(2000))
      return head
    })
    let count = 0
    const rows = await examineReal((response, body) => {
      count += 1
      if (count > 1) return correct(response, body)
      response.writeHead(200, { 'cache-control': 'max-age=1' }).write('{')
    })
    expect(rows[1]).toMatchObject({ check: 'identity', did: 'sends an unreadable body' })
  })
})

/** An endpoint that allows every key for which `matches` returns true. */
function comparing(matches: (asked: unknown) => boolean): Endpoint {
  return (response, body) => {
    const asked = readKey(body)
    if (asked === undefined || asked === null) return end(response, 400)
    if (!matches(asked)) return end(response, 401)
    end(response, 200, '{"principal":"a"}', { 'cache-control': 'max-age=30' })
  }
}

/** Compares like a query of a document database. */
function matchesDocument(value: string, query: unknown): boolean {
  if (Array.isArray(query)) return query.includes(value)
  if (typeof query !== 'object' || query === null) return query === value
  const { $ne, $gt } = query as { $ne?: unknown; $gt?: unknown }
  if ($ne !== undefined) return $ne !== value
  return typeof $gt === 'string' && value > $gt
}

/** Compares like `==` of PHP 7, which converts the text to the type of the other side. */
function equalsLoosely(value: string, asked: unknown): boolean {
  if (typeof asked === 'boolean') return asked === (value !== '' && value !== '0')
  if (typeof asked === 'number') return asked === Number.parseInt(value, 10) || asked === 0
  return asked === value
}

describe('an endpoint that allows a wrong key', () => {
  const structured = (value: string): string =>
    `answer 400 to "api_key": ${value}: accept a string only`

  it.each<[string, (asked: unknown) => boolean, string, string]>([
    [
      'ignores case in a collation',
      (asked) => typeof asked === 'string' && asked.toLowerCase() === KEY.toLowerCase(),
      'other-case key',
      'answer 401 to the good key in the other case: compare keys byte for byte (hash them, or use a binary collation)',
    ],
    [
      'passes the JSON to a database query',
      (asked) => matchesDocument(KEY, asked),
      'structured key',
      structured('{"$ne": null}'),
    ],
    [
      'compares with in_array of PHP',
      (asked) => [KEY, 'sk-other'].some((key) => equalsLoosely(key, asked)),
      'structured key',
      structured('true'),
    ],
    [
      'converts a list to a key',
      (asked) => String(asked) === KEY,
      'structured key',
      structured('[KEY]'),
    ],
  ])('%s', async (_, matches, check, change) => {
    const rows = await examineReal(comparing(matches))
    expect(problems(rows)).toEqual({ [check]: 'fail' })
    expect(rows.find(({ result }) => result === 'fail')).toMatchObject({ change })
  })

  it('is found by a structured key without a valid key', async () => {
    const matches = (asked: unknown): boolean => matchesDocument(KEY, asked)
    const rows = await examineReal(comparing(matches), NO_KEY)
    expect(problems(rows)).toMatchObject({ 'structured key': 'fail' })
  })
})

describe('an endpoint that does not answer as one', () => {
  it.each<[string, Endpoint, string, string]>([
    [
      'redirects to a login page',
      (response) => end(response, 302, '', { location: `/login?key=${KEY}` }),
      'the endpoint redirects (302)',
      'give the final URL: the wrapper follows no redirect, because that would send the key elsewhere',
    ],
    [
      'is a web page',
      (response) => end(response, 200, '<!doctype html>'),
      'a web page answered',
      'correct URL: a web page that always answers 200 allows every key',
    ],
    [
      'is silent until the deadline',
      () => void vi.advanceTimersByTime(2000),
      'no answer came in time',
      'check for a firewall, or raise --timeout-ms for a slow endpoint',
    ],
  ])('%s: stops after one question, with one piece of advice', async (_, endpoint, why, change) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    for (const key of [KEY, NO_KEY]) {
      let count = 0
      const counted: Endpoint = (...question) => {
        count += 1
        endpoint(...question)
      }
      const rows = await examineReal(counted, key)
      const failed = rows.filter((row) => row.change !== undefined)
      const check = key === NO_KEY ? 'bad key' : 'good key'
      expect({ count, failed }).toMatchObject({
        count: 1,
        failed: [{ check, result: 'fail', change }],
      })
      const did = `not asked: ${why}`
      expect(rows.at(-1)).toEqual({ check: 'slow answers', result: 'skipped', did, wrapper: '-' })
      expect(rows).toHaveLength(13)
    }
  })

  it('breaks the connection: tells each row when it is ready, and no row that is left out', async () => {
    const told: Row[] = []
    let toldAtLast = 0
    const breaking: Endpoint = (response, body) => {
      toldAtLast = told.length
      if (readKey(body) === undefined) response.destroy()
      else correct(response, body)
    }
    const rows = await examineReal(breaking, KEY, (row) => told.push(row))
    expect(toldAtLast).toBe(8)
    expect(told).toEqual(rows.slice(0, 9))
    expect(told.at(-1)).toMatchObject({
      check: 'malformed JSON',
      result: 'fail',
      change: 'answer 400 to truncated JSON, and do not fail on it',
    })
    const did = 'not asked: the endpoint stopped answering'
    const left = rows.slice(9).map((row) => `${row.result}: ${row.did}`)
    expect(left).toEqual(Array(4).fill(`skipped: ${did}`))
  })
})
