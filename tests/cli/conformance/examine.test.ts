import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { close, listen } from '../../support/loopback.ts'
import type { ServerResponse, Server } from 'node:http'
import type { Row } from '../../../src/cli/conformance/row.ts'

const KEY = `sk-${'g'.repeat(24)}`

/** Answers as an endpoint does, or breaks off. */
type Endpoint = (response: ServerResponse, body: string) => void

let server: Server | undefined
afterEach(async () => {
  if (server !== undefined) await close(server)
})

async function examineReal(endpoint: Endpoint, key: string | undefined = KEY, timeoutMs = 2000) {
  server = createServer((request, response) => {
    void text(request).then((body) => endpoint(response, body))
  })
  const url = `http://127.0.0.1:${await listen(server)}/validate`
  const rows = await examine({ url, headers: {}, timeoutMs }, key)
  expect(JSON.stringify(rows)).not.toContain(KEY)
  return rows
}

/** Which rows are not `ok`. */
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

describe('an endpoint', () => {
  it('that is right passes, even if it repeats the key', async () => {
    const rows = await examineReal(correct)
    expect(problems(rows)).toEqual({})
    expect(rows.map(({ check }) => check)).toEqual([
      'good key',
      'bad key',
      'nearly good key',
      'empty key',
      'malformed JSON',
      'missing fields',
      'big headers',
      'identity',
      'Cache-Control',
      'slow answers',
      'redirects',
    ])
  })

  it('is examined without a good key as far as that goes', async () => {
    const rows = await examineReal(correct, '')
    expect(problems(rows)).toMatchObject({})
    await close(server as Server)
    const without = await examineReal((response, body) => correct(response, body), undefined)
    expect(without.length).toBe(11)
  })

  it.each<[string, Endpoint, Record<string, string>]>([
    [
      'that answers 200 to everybody',
      (response) => end(response, 200, '<!doctype html>', { 'content-type': 'text/html' }),
      {
        'bad key': 'fail',
        'nearly good key': 'fail',
        'empty key': 'fail',
        'malformed JSON': 'fail',
        'missing fields': 'fail',
        identity: 'note',
        'Cache-Control': 'note',
      },
    ],
    [
      'that redirects to a login page',
      (response) => end(response, 302, '', { location: `/login?key=${KEY}` }),
      {
        'good key': 'fail',
        'bad key': 'fail',
        'nearly good key': 'skipped',
        'big headers': 'fail',
        identity: 'skipped',
        'Cache-Control': 'note',
        redirects: 'fail',
      },
    ],
    [
      'that compares the beginning only',
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
      'whose secret is not set',
      (response, body) => {
        if (readKey(body) === '') return end(response, 200)
        correct(response, body)
      },
      { 'empty key': 'fail' },
    ],
    [
      'that fails on what it does not expect',
      (response, body) => {
        if (typeof readKey(body) === 'string') return correct(response, body)
        response.destroy()
      },
      { 'malformed JSON': 'fail', 'missing fields': 'fail' },
    ],
    [
      'that takes small bodies only',
      (response, body) => {
        if (body.length > 16_384) return end(response, 413)
        correct(response, body)
      },
      { 'big headers': 'fail' },
    ],
    [
      'that answers 204 to good keys',
      (response, body) => {
        const key = readKey(body)
        end(response, key === KEY ? 204 : 401)
      },
      {
        'good key': 'fail',
        'nearly good key': 'skipped',
        'big headers': 'fail',
        identity: 'skipped',
        'Cache-Control': 'note',
      },
    ],
    [
      'that forbids to keep its answers, and names nobody',
      (response, body) => {
        const key = readKey(body)
        end(response, key === KEY ? 200 : 403, '', { 'cache-control': 'no-store' })
      },
      { identity: 'note', 'Cache-Control': 'note' },
    ],
  ])('%s', async (_, endpoint, expected) => {
    expect(problems(await examineReal(endpoint))).toEqual(expected)
  })

  it('that is silent is given up in time', async () => {
    const rows = await examineReal(() => undefined, KEY, 30)
    expect(problems(rows)).toMatchObject({
      'good key': 'fail',
      'bad key': 'fail',
      'malformed JSON': 'fail',
      'slow answers': 'fail',
    })
  })

  it('that is slow is told so', async () => {
    const rows = await examineReal((response, body) => {
      if (readKey(body) !== KEY || body.length > 16_384) return correct(response, body)
      setTimeout(() => correct(response, body), 1100)
    })
    expect(problems(rows)).toEqual({ 'slow answers': 'note' })
  })

  it('that is not there fails, quickly', async () => {
    const gone = createServer()
    const port = await listen(gone)
    await close(gone)
    const target = { url: `http://127.0.0.1:${port}`, headers: {}, timeoutMs: 2000 }
    const rows = await examine(target, KEY)
    expect(rows.find(({ check }) => check === 'good key')).toMatchObject({
      result: 'fail',
      did: 'gave no answer',
    })
  })
})
