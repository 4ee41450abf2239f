import { describe, expect, it } from 'vitest'
import { createWatch } from '../../../src/cli/explain/watch.ts'
import { AuthUnavailableError } from '../../../src/index.ts'
import { define } from '../../../src/verifiers/define-verifier.ts'
import type { Transport } from '../../../src/core/verifier.ts'

/** `with-auth explain` watches providers and their services. They do the same as without it. */

const INIT = {
  method: 'POST',
  headers: {},
  redirect: 'manual',
  signal: new AbortController().signal,
} as const
const KEY = 'server.auth.provider_config'

async function* chunksOf(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text
}

const answering =
  (...texts: (string | Uint8Array)[]): Transport =>
  async () => ({ status: 201, headers: new Headers({ a: 'b' }), body: chunksOf(...texts) })

async function askThrough(transport: Transport, init: Partial<Parameters<Transport>[1]> = {}) {
  const watch = createWatch()
  const response = await watch.transport(KEY, transport)('http://a.example/', { ...INIT, ...init })
  let text = ''
  for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString('latin1')
  return { watch, response, text, calls: watch.all()[0]?.calls ?? [] }
}

describe('a watched transport', () => {
  it('has the answer of the service, and a copy of it', async () => {
    const { response, text, calls } = await askThrough(answering('{"a":', '1}'))
    expect([response.status, response.headers.get('a'), response.redirected]).toEqual([
      201,
      'b',
      false,
    ])
    expect(text).toBe('{"a":1}')
    expect(calls).toEqual([
      {
        method: 'POST',
        url: 'http://a.example/',
        status: 201,
        text: '{"a":1}',
        startedAt: expect.any(Number) as unknown,
        durationMs: expect.any(Number) as unknown,
      },
    ])
    expect(calls[0]?.durationMs).toBeLessThan(60_000)
  })

  it('copies a character that came in two parts', async () => {
    const [first = 0, second = 0] = Buffer.from('\u00e9')
    const { calls } = await askThrough(answering(Uint8Array.of(first), Uint8Array.of(second)))
    expect(calls[0]?.text).toBe('\u00e9')
  })

  it('keeps the id by which decisions are shared', () => {
    const transport = createWatch().transport(KEY, Object.assign(answering(), { id: 'own' }))
    expect(transport.id).toBe('own')
    expect('id' in createWatch().transport(KEY, answering())).toBe(false)
  })

  it.each([
    [Object.assign(new Error('no'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new Error('no'), undefined],
  ])('fails as the service does, with its code if it has one: %s', async (error, cause) => {
    const watch = createWatch()
    const failing: Transport = async () => {
      throw error
    }
    const ask = watch.transport(KEY, failing)
    await expect(ask('http://a.example/', INIT)).rejects.toBe(error)
    const [call] = watch.all()[0]?.calls ?? []
    expect(call?.cause).toBe(cause)
    expect('cause' in (call ?? {})).toBe(cause !== undefined)
  })

  it('knows every secret that it sent, and what is public', async () => {
    const basic = Buffer.from('id:pass%20word').toString('base64')
    const { watch } = await askThrough(answering(), {
      headers: {
        Accept: 'application/json',
        'Content-Type': 'text/plain',
        'user-agent': 'with-auth',
        'x-github-api-version': '2022-11-28',
        authorization: `Basic ${basic}`,
        'x-auth-secret': 'four',
        'x-short': 'abc',
        'x-no-base64': 'Basic !!!!!',
      },
      body: 'a=b&client_secret=in+the+body',
    })
    expect(watch.secrets()).toEqual([
      `Basic ${basic}`,
      basic,
      'four',
      'Basic !!!!!',
      '!!!!!',
      'pass%20word',
      'pass word',
      'in the body',
    ])
    expect((await askThrough(answering(), { body: '' })).watch.secrets()).toEqual([])
    const nameless = { headers: { authorization: `Basic ${btoa('only')}` } }
    expect((await askThrough(answering(), nameless)).watch.secrets()).toEqual([
      `Basic ${btoa('only')}`,
      btoa('only'),
    ])
  })
})

it('a watched verifier decides as it did, and is forgotten but for who it is', async () => {
  const watch = createWatch()
  const made = define({
    ask: ({ token }) => {
      if (token === 'down') throw new AuthUnavailableError('unreachable')
      return { outcome: 'allow', principal: token }
    },
    reads: {},
    local: true,
  })
  const verifier = watch.verifier(KEY, made)
  const { signal } = new AbortController()
  const request = { path: '/', headers: {}, params: {} }
  const ask = (token: string) => verifier.verify({ token, request }, signal, { tenant: 'optional' })
  const seen = () =>
    watch
      .all()
      .map(({ key, isAsked, verdict, error, calls }) => ({ key, isAsked, verdict, error, calls }))
  const fresh = { key: KEY, isAsked: false, verdict: undefined, error: undefined, calls: [] }
  expect(seen()).toEqual([fresh])
  const verdict = await ask('alice')
  expect(verdict).toMatchObject({ outcome: 'allow', auth: { principal: 'alice' } })
  expect(seen()).toEqual([{ ...fresh, isAsked: true, verdict }])
  watch.restart()
  expect(seen()).toEqual([fresh])
  expect(watch.all()[0]?.verifier).toBe(made)
  await expect(ask('down')).rejects.toThrow(AuthUnavailableError)
  expect(seen()).toEqual([
    { ...fresh, isAsked: true, error: expect.any(AuthUnavailableError) as unknown },
  ])
})
