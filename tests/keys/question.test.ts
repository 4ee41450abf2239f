import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readKeyQuestion } from '../../src/keys/question.ts'
import { ask, post } from '../support/key-questions.ts'

const REQUEST = { path: '/v1', headers: {}, params: {} }
const VALID = { key: 'k1', path: '/v1' }
const TOO_LONG = [413, 'The body is longer than 65536 bytes']
const GOOD = { api_key: 'k1', request: REQUEST }

describe('a question', () => {
  it('has a key and a path; an empty path, unknown fields and lists of parameters are allowed', async () => {
    expect(await readKeyQuestion(ask('k1', '/v1'))).toEqual(VALID)
    const request = { path: '', headers: { a: 'b' }, params: { c: ['d'] }, method: 'GET' }
    const text = question({ request, more: 1 })
    expect(await readKeyQuestion(post(text))).toEqual({ key: 'k1', path: '' })
  })

  it.each(['application/json; charset=utf-8', 'application/x-www-form-urlencoded', ''])(
    'may have the content type %j',
    async (type) => {
      const request = post(question({}), { 'content-type': type })
      if (type === '') request.headers.delete('content-type')
      expect(await readKeyQuestion(request)).toEqual(VALID)
    },
  )
})

describe('400 for', () => {
  const notObject = 'The body must be a JSON object'
  const noKey = '"api_key" must be a non-empty string'
  it.each([
    ['an empty body', '', notObject],
    ['a form', 'api_key=k1', notObject],
    ['a list', '[]', notObject],
    ['deep nesting', '['.repeat(65_000), notObject],
    ['no key', question({ api_key: undefined }), noKey],
    ['an empty key', question({ api_key: '' }), noKey],
    ['a number', question({ api_key: 1 }), noKey],
    ['a list of keys', question({ api_key: ['k1'] }), noKey],
    ['no request', question({ request: undefined }), '"request" must be an object'],
    ['no path', requestWith({ path: undefined }), '"request.path" must be a string'],
    ['no headers', requestWith({ headers: undefined }), '"request.headers" must be an object'],
    ['no parameters', requestWith({ params: undefined }), '"request.params" must be an object'],
  ])('%s', async (_, body, message) => {
    expect(await readKeyQuestion(post(body))).toEqual([400, message])
  })

  it('bytes that are not UTF-8', async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"api_key":"'), 0xff, 0x22, 0x7d])
    const expected = [400, 'The body is not UTF-8']
    expect(await readKeyQuestion(post(bytes))).toEqual(expected)
  })

  it('a body that breaks off, or was read before', async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error('reset')),
    })
    const expected = [400, 'The body broke off']
    expect(await readKeyQuestion(post(broken))).toEqual(expected)
    const read = ask('k1')
    await read.text()
    expect(await readKeyQuestion(read)).toHaveProperty('0', 400)
  })
})

describe('413 for a body of more than 64 KiB', () => {
  const padded = (bytes: number): string =>
    question({ more: 'x'.repeat(bytes - question({ more: '' }).length) })

  it('by its length', async () => {
    expect(await readKeyQuestion(post(padded(65_536)))).toEqual(VALID)
    expect(await readKeyQuestion(post(padded(65_537)))).toEqual(TOO_LONG)
  })

  it('by its Content-Length, without reading it', async () => {
    const exact = post(padded(100), { 'content-length': '65536' })
    expect(await readKeyQuestion(exact)).toEqual(VALID)
    const request = post(padded(100), { 'content-length': '65537' })
    expect(await readKeyQuestion(request)).toEqual(TOO_LONG)
    expect(request.bodyUsed).toBe(false)
  })

  it('an endless body is cancelled', async () => {
    let pulled = 0
    const cancel = vi.fn()
    const pull = (controller: ReadableStreamDefaultController): void => {
      pulled += 1
      controller.enqueue(new Uint8Array(1024))
    }
    const endless = new ReadableStream({ pull, cancel })
    expect(await readKeyQuestion(post(endless))).toEqual(TOO_LONG)
    expect(pulled).toBeLessThan(80)
    expect(cancel).toHaveBeenCalledOnce()
  })
})

describe('408 for a body that does not end', () => {
  beforeEach(() => void vi.useFakeTimers())

  it('after ten seconds; no timer remains', async () => {
    const pending = readKeyQuestion(post(new ReadableStream()))
    await vi.advanceTimersByTimeAsync(9999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await pending).toEqual([408, 'The body did not arrive in time'])
    expect(vi.getTimerCount()).toBe(0)
    await readKeyQuestion(ask('k1'))
    expect(vi.getTimerCount()).toBe(0)
  })
})

function question(fields: object): string {
  return JSON.stringify({ ...GOOD, ...fields })
}

function requestWith(fields: object): string {
  return question({ request: { ...REQUEST, ...fields } })
}
