import { describe, expect, it } from 'vitest'
import { createHops } from '../../src/gateway/forward.ts'
import { followPassage } from '../../src/gateway/passage.ts'
import { get } from '../support/requests.ts'
import { words } from '../support/words.ts'
import { send, sendOrRefuse } from './sent.ts'
import type { ClientAddress } from '../../src/gateway.ts'

/** The headers by which the gateway itself describes a request to an upstream. */

describe('X-Forwarded-Proto and X-Forwarded-Host', () => {
  const publicOrigin = 'https://api.example.com'
  const calledBy = (host: string): Request => get('/x', 'key', { host })

  it('are those of the URL, or of publicOrigin', async () => {
    const request = () => new Request('http://api.test:3000/x', get('/', 'key'))
    expect((await send(request())).headers).toMatchObject({
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'api.test:3000',
    })
    expect((await send(request(), { publicOrigin })).headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example.com',
    })
  })

  it.each([...words('a/b u@a a?b a#b a:b [::1 %g0 %a'), 'a b', 'a.test, b.test', 'a.test, a.test'])(
    'cannot be told for the malformed Host %s, even with publicOrigin',
    async (host) => {
      expect(await sendOrRefuse(calledBy(host))).toBe('malformed_request')
      expect(await sendOrRefuse(calledBy(host), { publicOrigin })).toBe('malformed_request')
    },
  )

  it.each([...words("api.test API_1.test.:80 [::1]:80 [fe80::1%25eth0] a!$&'()*+,;=~ %c3%A9"), ''])(
    'are sent for the Host %s',
    async (host) => {
      expect((await send(calledBy(host))).headers).toHaveProperty('x-forwarded-host')
    },
  )
})

describe('X-Forwarded-For', () => {
  it.each<[string | undefined, unknown]>([
    ['192.0.2.1', (_request: Request, from: { ip: string }) => from.ip],
    ['2001:db8::1', () => '2001:db8::1'],
    ...[undefined, '', 'a, b', '1.2.3.4\r\nX: y', 'x'.repeat(65), 5].map(
      (found): [undefined, unknown] => [undefined, () => found],
    ),
    [undefined, () => Promise.reject(new Error('later'))],
    [
      undefined,
      () => {
        throw new Error('no address')
      },
    ],
  ])('is %s if clientAddress is %s', async (told, clientAddress) => {
    const options = { clientAddress: clientAddress as ClientAddress }
    const { headers } = await send(get('/', 'key'), options, {}, { ip: '192.0.2.1' })
    expect(headers['x-forwarded-for']).toBe(told)
  })
})

describe('the request id of the log', () => {
  function sentWith(name: string, headers: Record<string, string> = {}) {
    const request = get('/', 'key', headers)
    followPassage(request).sentId = [name, 'made']
    return { request, sent: send(request) }
  }

  it('replaces the header of the client in every spelling, and not in the request itself', async () => {
    const forged = { X_Request_Id: 'forged', 'x.request-id': 'forged', 'x-request-id': 'a b' }
    const headers = { ...forged, connection: 'X-Request-Id', accept: '*/*', proxy: 'a' }
    const { request, sent } = sentWith('X-Request-Id', headers)
    const fields = Object.entries((await sent).headers)
    expect(fields.filter(([name]) => /^x.request/.test(name))).toEqual([['x-request-id', 'made']])
    expect(fields).toContainEqual(['accept', '*/*'])
    expect(fields.filter(([name]) => /^(?:connection|proxy)$/.test(name))).toEqual([])
    expect(request.headers.get('x-request-id')).toBe('a b')
  })

  it.each(['x-auth-principal', 'x_auth_principal', 'x-forwarded-for', 'x-real-ip', 'te'])(
    'is not sent in %s, which the gateway removes',
    async (name) => {
      const { headers } = await sentWith(name).sent
      expect(Object.values(headers)).not.toContain('made')
    },
  )
})

describe('Via', () => {
  const follow = createHops(() => 0.5)
  const OWN = '1.1 with-auth-i'

  it('keeps the hops of other gateways of this kind, and nothing else', () => {
    expect(follow(null)).toBe(OWN)
    expect(follow('1.1 with-auth-other, 1.0 fred (with-auth-x)')).toBe(
      `1.1 with-auth-other, ${OWN}`,
    )
    expect(follow('1.1 not-with-auth-x, 1.1 with-auth-X, 1.1 with-auth-')).toBe(OWN)
  })

  it('reveals a request that loops, also through many processes', () => {
    const others = (count: number): string =>
      Array.from({ length: count }, (_, index) => `1.1 with-auth-x${index}`).join(', ')
    for (const via of [OWN, `1.1 a, ${OWN}, 1.1 b`, `${OWN} (nginx)`, 'with-auth-i', others(8)]) {
      expect(follow(via)).toBeUndefined()
    }
    expect(follow(others(7))).toBeDefined()
  })

  it('has a different name for each gateway, chosen with its first request', () => {
    let made = 0
    const random = (): number => (made += 0.25)
    const [one, other] = [createHops(random), createHops(random)]
    expect(made).toBe(0)
    expect(one(null)).not.toBe(other(null))
    one(null)
    expect(made).toBe(0.5)
  })
})
