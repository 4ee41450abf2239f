import { describe, expect, it, vi } from 'vitest'
import { createEndpoint } from '../../../src/core/endpoint/endpoint.ts'
import { ADDRESS, answering, ask, IDENTITY, reasonOf } from './asked-endpoint.ts'
import { checkOf } from '../../support/checks.ts'
import { words } from '../../support/words.ts'
import type { AuthEvent, Transport } from '../../../src/index.ts'

describe('the identity', () => {
  it.each([
    ['optional', 'does not end', { outcome: 'allow', auth: { attributes: {} }, maxAgeMs: 0 }],
    ['required', 'does not end', 'timeout'],
    ['optional', 'breaks off', { outcome: 'allow', auth: { attributes: {} }, maxAgeMs: 0 }],
    ['required', 'breaks off', 'unreachable'],
  ] as const)('%s, is not taken from a body that %s', async (identity, end, expected) => {
    const controller = new AbortController()
    const parts = [IDENTITY.slice(0, -1)]
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        const part = parts.shift()
        if (part !== undefined) stream.enqueue(new TextEncoder().encode(part))
        else if (end === 'breaks off') stream.error(new Error('reset'))
        else controller.abort()
      },
    })
    const transport: Transport = () =>
      Promise.resolve({ status: 200, headers: new Headers(), body })
    const asked = Promise.resolve(
      ask(transport, { identity }, checkOf(), { signal: controller.signal }),
    )
    expect(await asked.catch(reasonOf)).toEqual(expected)
  })
})

it('the identity has the scopes, the client and the tenant of the body', async () => {
  const notify = vi.fn<(event: AuthEvent) => void>()
  const body = '{"scope":"a  b","client_id":"app","tenant":"acme"}'
  expect(await ask(answering(200, body), { notify })).toEqual({
    outcome: 'allow',
    auth: { attributes: {}, scopes: ['a', 'b'], clientId: 'app', tenant: 'acme' },
  })
  const ofField = ask(answering(200, '{"org":{"id":"acme"}}'), { notify, tenantField: 'org.id' })
  expect(await ofField).toMatchObject({ outcome: 'allow', auth: { tenant: 'acme' } })
  expect(notify).not.toHaveBeenCalled()
})

describe('a malformed identity', () => {
  const json = { 'content-type': 'application/json' }
  const warnings = async (
    body: string,
    identity: 'optional' | 'required' = 'optional',
    headers = json,
  ) => {
    const report = vi.fn<(event: AuthEvent) => void>()
    const asked = Promise.resolve(ask(answering(200, body, headers), { identity, notify: report }))
    const verdict = await asked.catch(reasonOf)
    return { verdict, events: report.mock.calls.map(([event]) => event) }
  }
  const NAMELESS = { outcome: 'allow', auth: { attributes: {} } }

  it.each([
    ['{"principal":7}', '"principal" must be a string'],
    [
      '{"principal":"alice","attributes":{"rolls":5}}',
      '"attributes.rolls" must be a string or a list of strings',
    ],
    ['{"principal":"alice","attributes":["admin"]}', '"attributes" must be an object'],
    ['{"principal":"alice"', '"body" must be JSON'],
    [`{"principal":"${'a'.repeat(70_000)}"}`, '"body" must be at most 64 KiB long'],
  ])('is dropped as a whole, with a warning (%#)', async (body, wrong) => {
    const message = `The endpoint sent an identity that was dropped: ${wrong}`
    const events = [{ type: 'warning', message }]
    expect(await warnings(body)).toEqual({ verdict: NAMELESS, events })
    expect(await warnings(body, 'required')).toEqual({ verdict: 'invalid_response', events })
  })

  const NONE = words(
    '"ok" true null 1 [] {} {"status":"ok"} {"attributes":null} {"principal":""} {"__proto__":{"principal":"root"}}',
  )
  it.each(['', ...NONE])('raises no warning for a body that holds none: %s', async (body) => {
    expect(await warnings(body)).toEqual({ verdict: NAMELESS, events: [] })
  })

  it('keeps the rest if a scope, a client, a tenant or an end is malformed', async () => {
    const notify = vi.fn<(event: AuthEvent) => void>()
    const body = '{"principal":"alice","scope":["a"],"client_id":1,"tenant":[],"exp":"1"}'
    expect(await ask(answering(200, body), { notify })).toEqual({
      outcome: 'allow',
      auth: { principal: 'alice', attributes: {} },
    })
    const messages = notify.mock.calls.map(([event]) => 'message' in event && event.message)
    const dropped = 'The endpoint sent a field that was dropped: '
    expect(messages).toEqual([
      `${dropped}"scope" must be a string`,
      `${dropped}"client_id" must be a string`,
      `${dropped}"tenant" must be a string`,
      `${dropped}"exp" must be a number`,
    ])
    // The end restricts, so it stays when the identity is dropped.
    expect(await ask(answering(200, '{"principal":1,"exp":4e9}'))).toMatchObject({
      auth: { attributes: {}, expiresAt: 4e12 },
    })
    const strict = { tenantField: 'tenant' }
    expect(await ask(answering(200, body), strict)).toEqual({
      outcome: 'deny',
      isLasting: true,
      detail: 'tenant',
    })
  })

  it('is dropped, also if the caller takes no warnings', async () => {
    const statuses = [200, 404]
    const transport: Transport = async () =>
      new Response('{"principal":7}', { status: statuses.shift() ?? 0 })
    const asked = { url: ADDRESS, headers: {}, identity: 'optional', fetch: transport } as const
    const endpoint = createEndpoint(asked)
    const { question } = checkOf()
    const { signal } = new AbortController()
    expect(await endpoint(question, signal, {})).toEqual(NAMELESS)
    expect(await endpoint(question, signal, {})).toMatchObject({ outcome: 'deny' })
  })

  it('is reported once, without the value and without the token', async () => {
    const warn = vi.fn<(message: string) => void>()
    const bodies = [
      '{"principal":1}',
      '{"principal":"s3cret","attributes":{"t":2}}',
      '{"principal":2}',
    ]
    const transport: Transport = async () => new Response(bodies.shift())
    const endpoint = createEndpoint({
      url: ADDRESS,
      headers: {},
      identity: 'optional',
      fetch: transport,
    })
    const { question } = checkOf()
    for (let turn = 0; turn < 3; turn += 1)
      await endpoint(question, new AbortController().signal, { warn })
    const messages = warn.mock.calls.map(([message]) => message)
    expect(messages).toEqual([
      expect.stringContaining('"principal" must be a string'),
      // The token of `checkOf` is "t".
      expect.stringContaining('"attributes.?" must be'),
    ])
    expect(messages.join('')).not.toContain('s3cret')
  })
})
