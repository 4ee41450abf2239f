import { describe, expect, it, vi } from 'vitest'
import { createGateway } from '../../src/gateway.ts'
import { createCopyHeaders } from '../../src/gateway/request-headers.ts'
import { withAuth } from '../../src/index.ts'
import { get } from '../support/requests.ts'
import { sendOrRefuse } from './sent.ts'
import type { UpstreamFetch } from '../../src/gateway.ts'
import type { Field } from '../../src/gateway/field-names.ts'
import type { AuthConfig } from '../../src/index.ts'

/** The header lines of a client: some repeat, their number has a limit, and each guard around the gateway reads some. */

const none = { principal: undefined, tenant: undefined, attributes: undefined }
const createCopy = () =>
  createCopyHeaders({
    identityHeaders: { ...none, scopes: undefined, client: undefined },
    forwardAuthorization: false,
    stripHeaders: [],
  })

describe('the header lines of a client', () => {
  it('name the fields for this hop in every line of Connection, and are joined', () => {
    const fields: readonly Field[] = [
      ['connection', 'x-a'],
      ['x-a', '1'],
      ['x-b', '2'],
      ['cookie', 'a=1'],
      ['accept', 'a'],
      ['connection', 'x-b'],
      ['cookie', 'b=2'],
      ['accept', 'b'],
    ]
    expect(Object.fromEntries(createCopy()(fields, []))).toEqual({
      cookie: 'a=1; b=2',
      accept: 'a, b',
    })
  })

  it('are at most 200, counted by names where the server does not show the lines', async () => {
    const withNames = (count: number): Request => {
      const others = Array.from({ length: count - 1 }, (_, index) => [`x-${index}`, '1'])
      return get('/', 'key', Object.fromEntries(others) as Record<string, string>)
    }
    const sendLines = (count: number) => {
      const lines = Array.from({ length: count }, () => ['accept', '*/*'])
      const incoming = { rawHeaders: [':path', '/', ...lines.flat()] }
      return sendOrRefuse(get('/', 'key'), {}, {}, { incoming })
    }
    expect(await sendOrRefuse(withNames(200))).toHaveProperty('url')
    expect(await sendOrRefuse(withNames(201))).toBe('too_many_headers')
    expect(await sendLines(200)).toHaveProperty('url')
    expect(await sendLines(201)).toBe('too_many_headers')
  })

  it('fill no memory with ever new or long names', () => {
    const copy = createCopy()
    // No request or response shows the names that are kept.
    const set = vi.spyOn(Map.prototype, 'set')
    let most = 0
    const send = (name: string): void => {
      copy([[name, '1']], [])
      for (const map of set.mock.contexts as Map<unknown, unknown>[])
        most = Math.max(most, map.size)
      set.mockClear()
    }
    for (let index = 0; index < 10; index += 1) send(`${index}`.padEnd(65, 'x'))
    expect(most).toBe(1)
    for (let index = 0; index < 2_001; index += 1) send(`${index}`.padEnd(64, 'x'))
    expect(most).toBe(1_000)
  })

  it('hold no credentials of any guard around the gateway', async () => {
    const fetch = vi.fn<UpstreamFetch>(async () => new Response(''))
    const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch })
    const shadow: AuthConfig = { mode: 'shadow', verifier: () => ({ outcome: 'deny' }) }
    const inner = withAuth(gateway, { ...shadow, credentials: { cookie: 'key' } })
    const outer = withAuth(inner, { ...shadow, credentials: { header: 'x-api-key' } })
    await outer(get('/', 'key', { cookie: 'a=1; key=secret', 'x-api-key': 'secret' }))
    const sent = fetch.mock.calls[0]?.[1].headers
    expect([sent?.get('cookie'), sent?.get('x-api-key')]).toEqual(['a=1', null])
  })
})
