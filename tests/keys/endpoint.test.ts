import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createEndpointHandler } from '../../src/keys/endpoint.ts'
import { parseKeys } from '../../src/keys/file/document.ts'
import { KeyFileError } from '../../src/keys/error.ts'
import { createKeyring } from '../../src/keys/keyring.ts'
import { ask, entry, keysText, post } from '../support/key-questions.ts'

const NOW = Date.UTC(2026, 0, 1)
const SECRET = 's3cr3t-s3cr3t-s3'
const RING = createKeyring(
  parseKeys(
    keysText(
      entry('good', { attributes: { roles: ['admin'] } }),
      entry('limited', { paths: ['/v1'] }),
      entry('ending', { expires: '2026-01-01T00:00:10Z' }),
      entry('ended', { expires: '2025-12-31' }),
      entry('revoked', { revoked: '2025-12-31' }),
    ),
    'f',
  ).keys,
)
const handle = createEndpointHandler({
  currentKeys: () => RING,
  maxAgeSeconds: 30,
  endpointSecret: undefined,
  now: () => NOW,
})

it('a good key gets 200, and who it is', async () => {
  const response = await handle(ask('good'))
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('max-age=30')
  expect(await response.json()).toEqual({ principal: 'alice', attributes: { roles: ['admin'] } })
})

it('a key that ends says so', async () => {
  const response = await handle(ask('ending'))
  expect(response.headers.get('cache-control')).toBe('max-age=10')
  expect(await response.json()).toMatchObject({ exp: NOW / 1000 + 10 })
})

it('every key that does not open gets the same bytes', async () => {
  const unknown = await textOf(handle(ask('unknown')))
  expect(unknown).toMatch(/^401 /)
  const others = [ask('ended'), ask('revoked'), ask('limited', '/v2'), ask('limited', '/v1x')]
  const more = [ask('limited', ''), ask('limited', '/v1/%2e%2e/v2'), ask('x'.repeat(60_000))]
  for (const request of [...others, ...more]) expect(await textOf(handle(request))).toBe(unknown)
})

it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s gets 405', async (method) => {
  const response = await handle(new Request('https://auth.example.test/', { method }))
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('POST')
  if (method === 'HEAD') return
  expect(await response.json()).toEqual({ error: { message: 'Questions are sent by POST' } })
})

it('what is no question gets 400 or 413, and must not be kept', async () => {
  const responses = [await handle(post('{}')), await handle(post('x'.repeat(70_000)))]
  expect(responses.map(({ status }) => status)).toEqual([400, 413])
  expect(responses.map(({ headers }) => headers.get('cache-control'))).toEqual([
    'no-store',
    'no-store',
  ])
})

it('without a secret whatever is sent for one is not looked at', async () => {
  expect((await handle(ask('good', '/', { 'x-auth-secret': SECRET }))).status).toBe(200)
})

describe('with a secret', () => {
  const guarded = createEndpointHandler({
    currentKeys: () => RING,
    maxAgeSeconds: 30,
    endpointSecret: SECRET,
  })

  it('who sends it is answered', async () => {
    expect((await guarded(ask('good', '/', { 'x-auth-secret': SECRET }))).status).toBe(200)
    expect((await guarded(ask('bad', '/', { 'x-auth-secret': SECRET }))).status).toBe(401)
  })

  it.each([
    undefined,
    '',
    SECRET.slice(1),
    `${SECRET}x`,
    SECRET.toUpperCase(),
    `${SECRET}, ${SECRET}`,
  ])('who sends %j is not, whatever the key', async (sent) => {
    const headers = sent === undefined ? {} : { 'x-auth-secret': sent }
    const [good, bad] = await Promise.all(
      [ask('good', '/', headers), ask('bad', '/', headers)].map((request) =>
        textOf(guarded(request)),
      ),
    )
    expect(good).toMatch(/^403 .*no-store/)
    expect(good).toContain('The header \\"x-auth-secret\\" is missing or wrong')
    expect(bad).toBe(good)
  })

  it('only crypto.subtle.verify, which compares in constant time, decides if the secret is right', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify')
    onTestFinished(() => verify.mockRestore())
    verify.mockResolvedValueOnce(true)
    expect((await guarded(ask('good', '/', { 'x-auth-secret': 'wrong' }))).status).toBe(200)
    verify.mockResolvedValueOnce(false)
    expect((await guarded(ask('good', '/', { 'x-auth-secret': SECRET }))).status).toBe(403)
  })

  it('the body of who does not send it is not read', async () => {
    const request = ask('good')
    await guarded(request)
    expect(request.bodyUsed).toBe(false)
  })
})

describe('keys that are not known now', () => {
  it.each<[string, () => never]>([
    ['a broken file', throwing(new KeyFileError('malformed', '/etc/keys.yaml:1:1: s3cr3t'))],
    ['a bug', throwing(new TypeError('s3cr3t'))],
  ])('%s: 500, and nothing about it', async (_, currentKeys) => {
    const broken = createEndpointHandler({
      currentKeys,
      maxAgeSeconds: 30,
      endpointSecret: undefined,
    })
    const text = await textOf(broken(ask('good')))
    expect(text).toMatch(/^500 .*no-store.*The keys cannot be read now/)
    expect(text).not.toMatch(/s3cr3t|keys\.yaml/)
  })
})

it('what is revoked while a question comes in is refused', async () => {
  let ring = RING
  const handler = createEndpointHandler({
    currentKeys: () => ring,
    maxAgeSeconds: 30,
    endpointSecret: undefined,
  })
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const pending = handler(post(readable))
  const writer = writable.getWriter()
  const bytes = new Uint8Array(await ask('good').arrayBuffer())
  await writer.write(bytes.slice(0, 10))
  ring = createKeyring([])
  await writer.write(bytes.slice(10))
  await writer.close()
  expect((await pending).status).toBe(401)
})

it('the file is looked at once the question is there, and not before', async () => {
  const currentKeys = vi.fn(() => RING)
  const handler = createEndpointHandler({
    currentKeys,
    maxAgeSeconds: 30,
    endpointSecret: undefined,
  })
  await handler(post('{}'))
  expect(currentKeys).not.toHaveBeenCalled()
  await handler(ask('good'))
  expect(currentKeys).toHaveBeenCalledOnce()
})

async function textOf(pending: Promise<Response>): Promise<string> {
  const response = await pending
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
}

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}
