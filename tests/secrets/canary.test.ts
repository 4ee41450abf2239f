import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { nodeTransport } from '../../src/node.ts'
import { auth } from '../../src/hono.ts'
import { createGateway } from '../../src/gateway.ts'
import { createAuthenticator, memoryCache, withAuth } from '../../src/index.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import { findCanary } from './canary.ts'
import { createCollection } from './collection.ts'
import type { AuthConfig } from '../../src/index.ts'

const BEARER = `Bearer ${TOKEN}`

it('the token is found in what a program may make of it, and not in other text', () => {
  const letters = TOKEN.split('')
  const spelt = (prefix: string): string =>
    letters.map((letter) => prefix + letter.charCodeAt(0).toString(16)).join('')
  const forms = [
    `{"authorization":"${BEARER}"}`,
    TOKEN.toUpperCase(),
    TOKEN.slice(0, 12),
    TOKEN.slice(12),
    letters.map((_, index) => letters.at(-1 - index)).join(''),
    ...['', ':', 'a:'].map((before) => Buffer.from(before + TOKEN).toString('base64')),
    Buffer.from(BEARER).toString('base64url'),
    Buffer.from(BEARER).toString('hex'),
    Buffer.from(BEARER, 'utf16le').toString('hex'),
    ...['%', '\\u00', '\\x'].map(spelt),
    createHash('sha256').update(TOKEN).digest('hex'),
    createHash('sha256').update(BEARER).digest('base64'),
  ]
  expect(forms.map((text) => typeof findCanary(`before ${text} after`))).toEqual(
    forms.map(() => 'string'),
  )
  expect(findCanary('good K7 token good-token AAAA 0000 sha256')).toBeUndefined()
})

it('a text with the token is collected after two hundred without it', () => {
  const { add, take } = createCollection()
  for (let turn = 0; turn < 201; turn += 1) add('error', new Error('other'))
  add('error', { message: TOKEN })
  add('error', new Error('b', { cause: new Error(TOKEN) }))
  add('event', 'other')
  const found = take().map(({ text }) => findCanary(text) !== undefined)
  expect(found).toEqual([...Array<boolean>(200).fill(false), true, true, false])
})

it('nothing that a request with the token went through shows it', async () => {
  const config: AuthConfig = {
    endpoint: 'https://auth.example.test/validate',
    cache: memoryCache(),
    context: { headers: [] },
    fetch: async () => new Response('{"principal":"alice"}'),
  }
  const handler = (): Response => new Response('')
  const fetchable = withAuth({ fetch: handler }, config)
  const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch: async () => handler() })
  const middleware = auth(config)
  const app = new Hono().use(middleware).get('/', handler)
  const senders = [
    withAuth(handler, config),
    createAuthenticator(config),
    withAuth(gateway, config),
  ]
  for (const send of senders) await send(get('/', TOKEN))
  await fetchable.fetch(get('/', TOKEN))
  await app.fetch(get('/', TOKEN))
  const used = [...senders, fetchable, gateway, middleware, nodeTransport()]
  const shown = inspect(used, { depth: 20, showHidden: true, getters: true })
  expect(findCanary(`${shown} ${JSON.stringify(used)}`)).toBeUndefined()
})
