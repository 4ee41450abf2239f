import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { close, listen } from '../../support/loopback.ts'
import type { Server, ServerResponse } from 'node:http'
import type { Row } from '../../../src/cli/conformance/finding.ts'

const KEY = `sk-${'g'.repeat(24)}`

const NO_KEY = ''

/** Answers a question or breaks the connection. */
type Endpoint = (response: ServerResponse, body: string) => void

let server: Server | undefined
afterEach(async () => {
  if (server !== undefined) await close(server)
})

async function examineReal(
  endpoint: Endpoint,
  key = KEY,
  timeoutMs = 2000,
  onRow: (row: Row) => void = () => undefined,
) {
  server = createServer((request, response) => {
    void text(request).then((body) => endpoint(response, body))
  })
  const url = `http://127.0.0.1:${await listen(server)}/validate`
  const goodKey = key === NO_KEY ? undefined : key
  const rows = await examine({ url, headers: {}, timeoutMs }, goodKey, onRow)
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

const correct: Endpoint = (response, body) => {
  const key = readKey(body)
  if (typeof key !== 'string') return end(response, 400)
  if (key !== KEY) return end(response, 401)
  end(response, 200, JSON.stringify({ principal: KEY }), { 'cache-control': 'max-age=30' })
}

const CHECKS_AFTER_KEYS = ['empty key', 'malformed JSON', 'missing fields', 'big headers']

/** The problems of an endpoint that stops answering. */
function skippedAfterKeys(): Record<string, string> {
  return Object.fromEntries(
    [...CHECKS_AFTER_KEYS, 'redirects', 'slow answers'].map((check) => [check, 'skipped']),
  )
}

describe('examining an endpoint', () => {
  it('passes a correct endpoint, even one that repeats the key', async () => {
    const rows = await examineReal(correct)
    expect(problems(rows)).toEqual({})
    expect(rows.map(({ check }) => check)).toEqual([
      'good key',
      'identity',
      'bad key',
      'Cache-Control',
      'nearly good key',
      'other-case key',
      'structured key',
      'empty key',
      'malformed JSON',
      'missing fields',
      'big headers',
      'redirects',
      'slow answers',
    ])
  })

  it('skips the other-case key if the valid key has no letters', async () => {
    const key = '0123456789-_.'
    const rows = await examineReal((response, body) => {
      const asked = readKey(body)
      end(response, typeof asked !== 'string' ? 400 : asked === key ? 200 : 401)
    }, key)
    expect(rows.find(({ check }) => check === 'other-case key')).toMatchObject({
      result: 'skipped',
      did: 'the good key has no letters',
    })
  })

  it.each<[string, Endpoint, Record<string, string>]>([
    [
      'compares only the beginning of a key',
      (response, body) => {
        const key = readKey(body)
        if (typeof key === 'string' && key.startsWith(KEY.slice(0, 5))) {
          return end(response, 200, '{"principal":"a"}', { 'cache-control': 'max-age=1' })
        }
        end(response, 401)
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
      { 'structured key': 'fail', ...skippedAfterKeys() },
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
      (response, body) => {
        const key = readKey(body)
        end(response, key === KEY ? 204 : 401)
      },
      {
        'good key': 'fail',
        identity: 'skipped',
        'Cache-Control': 'skipped',
        'nearly good key': 'skipped',
        'other-case key': 'skipped',
      },
    ],
  ])('%s', async (_, endpoint, expected) => {
    expect(problems(await examineReal(endpoint))).toEqual(expected)
  })

  it('reports a slow endpoint', async () => {
    const rows = await examineReal((response, body) => {
      if (readKey(body) !== KEY || body.length > 16_384) return correct(response, body)
      setTimeout(() => correct(response, body), 1100)
    })
    expect(problems(rows)).toEqual({ 'slow answers': 'note' })
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

const OTHER_CASE =
  'answer 401 to the good key in the other case: compare keys byte for byte (hash them, or use a binary collation)'
const STRUCTURED = (value: string): string =>
  `answer 400 to "api_key": ${value}: accept a string only`

describe('an endpoint that allows a wrong key', () => {
  it.each<[string, (asked: unknown) => boolean, string, string]>([
    [
      'ignores case in a collation',
      (asked) => typeof asked === 'string' && asked.toLowerCase() === KEY.toLowerCase(),
      'other-case key',
      OTHER_CASE,
    ],
    [
      'passes the JSON to a database query',
      (asked) => matchesDocument(KEY, asked),
      'structured key',
      STRUCTURED('{"$ne": null}'),
    ],
    [
      'compares with in_array of PHP',
      (asked) => [KEY, 'sk-other'].some((key) => equalsLoosely(key, asked)),
      'structured key',
      STRUCTURED('true'),
    ],
    [
      'converts a list to a key',
      (asked) => String(asked) === KEY,
      'structured key',
      STRUCTURED('[KEY]'),
    ],
  ])('%s', async (_, matches, check, change) => {
    const rows = await examineReal(comparing(matches))
    expect(problems(rows)).toEqual({ [check]: 'fail' })
    expect(rows.find(({ result }) => result === 'fail')).toMatchObject({ change })
  })

  it('finds an allowed structured key without a valid key', async () => {
    const rows = await examineReal(
      comparing((asked) => matchesDocument(KEY, asked)),
      NO_KEY,
    )
    expect(problems(rows)).toMatchObject({ 'structured key': 'fail' })
  })
})

describe('an unreachable endpoint', () => {
  /** Counts the questions. */
  async function examineCounted(endpoint: Endpoint, key: string, timeoutMs = 2000) {
    let count = 0
    const rows = await examineReal(
      (response, body) => {
        count += 1
        endpoint(response, body)
      },
      key,
      timeoutMs,
    )
    return { count, rows }
  }

  it.each<[string, Endpoint, string]>([
    [
      'redirects to a login page',
      (response) => end(response, 302, '', { location: `/login?key=${KEY}` }),
      'the endpoint redirects (302)',
    ],
    ['is a web page', (response) => end(response, 200, '<!doctype html>'), 'a web page answered'],
  ])('%s: stops after one question, with one piece of advice', async (_, endpoint, why) => {
    for (const key of [KEY, NO_KEY]) {
      const { count, rows } = await examineCounted(endpoint, key)
      await close(server as Server)
      const failed = rows.filter(({ result }) => result === 'fail')
      expect({ count, failed }).toMatchObject({
        count: 1,
        failed: [{ check: key === NO_KEY ? 'bad key' : 'good key' }],
      })
      expect(rows.filter(({ change }) => change !== undefined)).toEqual(failed)
      expect(rows.at(-1)).toEqual({
        check: 'slow answers',
        result: 'skipped',
        did: `not asked: ${why}`,
        wrapper: '-',
      })
      expect(rows).toHaveLength(13)
    }
  })

  it('stops after one question if no answer comes in time', async () => {
    const { count, rows } = await examineCounted(() => undefined, KEY, 50)
    expect(count).toBe(1)
    expect(rows[0]).toMatchObject({ result: 'fail', wrapper: 'rejects: timeout' })
    expect(rows[1]?.did).toBe('not asked: no answer came in time')
  })

  it('stops at the question that broke the connection', async () => {
    let last: unknown
    const { rows } = await examineCounted((response, body) => {
      last = body
      if (readKey(body) === undefined) response.destroy()
      else correct(response, body)
    }, KEY)
    expect(rows.find(({ result }) => result === 'fail')).toMatchObject({
      check: 'malformed JSON',
      change: 'answer 400 to truncated JSON, and do not fail on it',
    })
    expect(() => JSON.parse(String(last)) as unknown).toThrow(SyntaxError)
    expect(rows.slice(-4)).toMatchObject([
      { check: 'missing fields', did: 'not asked: the endpoint stopped answering' },
      { check: 'big headers', result: 'skipped' },
      { check: 'redirects', result: 'skipped' },
      { check: 'slow answers', result: 'skipped' },
    ])
  })
})

it('reports each row as soon as it is ready, and no row that it left out', async () => {
  const told: Row[] = []
  let toldAtLast = 0
  const rows = await examineReal(
    (response, body) => {
      toldAtLast = told.length
      if (readKey(body) === '') response.destroy()
      else correct(response, body)
    },
    KEY,
    2000,
    (row) => told.push(row),
  )
  expect(toldAtLast).toBe(7)
  expect(told).toEqual(rows.slice(0, 8))
})
