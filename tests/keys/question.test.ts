import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readKeyQuestion } from '../../src/keys/question.ts'
import { ask, post } from '../support/key-questions.ts'

const GOOD = { api_key: 'k1', request: { path: '/v1', headers: {}, params: {} } }

describe('a question', () => {
  it('is a key and a path', async () => {
    expect(await readKeyQuestion(ask('k1', '/v1'))).toEqual({
      isValid: true,
      key: 'k1',
      path: '/v1',
    })
  })

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    '',
  ])('may have the content type %j', async (type) => {
    const request = post(JSON.stringify(GOOD), type === '' ? {} : { 'content-type': type })
    if (type === '') request.headers.delete('content-type')
    expect(await readKeyQuestion(request)).toMatchObject({ isValid: true })
  })

  it('may have fields that are not known, lists for parameters, and no path', async () => {
    const request = { path: '', headers: { a: 'b' }, params: { c: ['d'] }, method: 'GET' }
    const text = JSON.stringify({ ...GOOD, request, more: 1 })
    expect(await readKeyQuestion(post(text))).toEqual({ isValid: true, key: 'k1', path: '' })
  })
})

describe('is no question, 400', () => {
  it.each([
    ['nothing', '', 'The body must be a JSON object'],
    ['what is not JSON', 'api_key=k1', 'The body must be a JSON object'],
    ['a list', '[]', 'The body must be a JSON object'],
    ['null', 'null', 'The body must be a JSON object'],
    ['a deep nest', '['.repeat(65_000), 'The body must be a JSON object'],
    ['no key', question({ api_key: undefined }), '"api_key" must be a non-empty string'],
    ['an empty key', question({ api_key: '' }), '"api_key" must be a non-empty string'],
    ['a number', question({ api_key: 1 }), '"api_key" must be a non-empty string'],
    ['a list of keys', question({ api_key: ['k1'] }), '"api_key" must be a non-empty string'],
    ['no request', question({ request: undefined }), '"request" must be an object'],
    ['a list of requests', question({ request: [] }), '"request" must be an object'],
    [
      'no path',
      question({ request: { headers: {}, params: {} } }),
      '"request.path" must be a string',
    ],
    [
      'two paths',
      question({ request: { ...GOOD.request, path: ['/'] } }),
      '"request.path" must be',
    ],
    ['no headers', question({ request: { path: '/', params: {} } }), '"request.headers" must be'],
    [
      'no parameters',
      question({ request: { path: '/', headers: {} } }),
      '"request.params" must be',
    ],
    [
      'a list of parameters',
      question({ request: { ...GOOD.request, params: [] } }),
      '"request.params"',
    ],
  ])('%s', async (_, body, message) => {
    const read = await readKeyQuestion(post(body))
    expect(read).toMatchObject({ isValid: false, status: 400 })
    expect(read).toHaveProperty('message', expect.stringContaining(message) as string)
  })

  it('bytes that are not UTF-8', async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"api_key":"'), 0xff, 0x22, 0x7d])
    const refusal = { isValid: false, status: 400, message: 'The body is not UTF-8' }
    expect(await readKeyQuestion(post(bytes))).toEqual(refusal)
  })

  it('a body that breaks off, or was read before', async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error('reset')),
    })
    const refusal = { isValid: false, status: 400, message: 'The body broke off' }
    expect(await readKeyQuestion(post(broken))).toEqual(refusal)
    const read = ask('k1')
    await read.text()
    expect(await readKeyQuestion(read)).toMatchObject({ isValid: false })
  })
})

describe('a body that is too long, 413', () => {
  const padded = (bytes: number): string => {
    const base = question({ more: '' })
    return question({ more: 'x'.repeat(bytes - base.length) })
  }

  it('has more than 64 KiB', async () => {
    expect(await readKeyQuestion(post(padded(65_536)))).toMatchObject({ isValid: true })
    expect(await readKeyQuestion(post(padded(65_537)))).toMatchObject({ status: 413 })
  })

  it('may say that it has 64 KiB', async () => {
    const request = post(padded(100), { 'content-length': '65536' })
    expect(await readKeyQuestion(request)).toMatchObject({ isValid: true })
  })

  it('is not read if it says so', async () => {
    const request = post(padded(100), { 'content-length': '65537' })
    expect(await readKeyQuestion(request)).toMatchObject({ status: 413 })
    expect(request.bodyUsed).toBe(false)
  })

  it('is not read further, and is cancelled, if it does not say so', async () => {
    let pulled = 0
    const cancel = vi.fn()
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(1024))
      },
      cancel,
    })
    expect(await readKeyQuestion(post(endless))).toMatchObject({ status: 413 })
    expect(pulled).toBeLessThan(80)
    expect(cancel).toHaveBeenCalledOnce()
  })
})

describe('a body that does not end, 408', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('is given up after ten seconds, and no timer is left', async () => {
    const pending = readKeyQuestion(post(new ReadableStream()))
    await vi.advanceTimersByTimeAsync(9999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await pending).toMatchObject({ isValid: false, status: 408 })
    expect(vi.getTimerCount()).toBe(0)
    await readKeyQuestion(ask('k1'))
    expect(vi.getTimerCount()).toBe(0)
  })
})

function question(fields: object): string {
  return JSON.stringify({ ...GOOD, ...fields })
}
