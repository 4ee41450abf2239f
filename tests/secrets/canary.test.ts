import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { nodeTransport } from '../../src/node.ts'
import { auth } from '../../src/hono.ts'
import { createGateway } from '../../src/gateway.ts'
import { createAuthenticator, memoryCache, withAuth } from '../../src/index.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import { findCanary } from './canary.ts'
import { createCollection } from './collection.ts'
import { watchOutput } from './output.ts'
import type { AuthConfig } from '../../src/index.ts'

const BEARER = `Bearer ${TOKEN}`
const letters = TOKEN.split('')

describe('the token is found', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const spelt = (pattern: (code: string) => string): string =>
    letters.map((letter) => pattern(letter.charCodeAt(0).toString(16))).join('')

  it.each([
    ['as it is', `{"authorization":"${BEARER}"}`],
    ['in capitals', TOKEN.toUpperCase()],
    ['cut after twelve characters', TOKEN.slice(0, 12)],
    ['without its first twelve characters', TOKEN.slice(12)],
    ['backwards', letters.map((_, index) => letters.at(-1 - index)).join('')],
    ['in base64', base64(TOKEN)],
    ['in base64, behind one more byte', base64(`:${TOKEN}`)],
    ['in base64, behind two more bytes', base64(`a:${TOKEN}`)],
    ['in base64, within JSON', base64(JSON.stringify({ api_key: TOKEN }))],
    ['in base64url', Buffer.from(BEARER).toString('base64url')],
    ['in hex', Buffer.from(BEARER).toString('hex')],
    ['in hex, of two bytes each', Buffer.from(BEARER, 'utf16le').toString('hex')],
    ['percent-encoded', spelt((code) => `%${code}`)],
    ['with escapes of JSON', spelt((code) => `\\u00${code}`)],
    ['as its SHA-256 in hex', createHash('sha256').update(TOKEN).digest('hex')],
    [
      'as the SHA-256 of the field, in base64',
      createHash('sha256').update(BEARER).digest('base64'),
    ],
  ])('%s', (_form, text) => {
    expect(findCanary(`before ${text} after`)).toBeTypeOf('string')
  })

  it('but not in other text', () => {
    expect(findCanary('good K7 token good-token AAAA 0000 sha256')).toBeUndefined()
  })
})

describe('the collected texts', () => {
  it('are the first thousand of each place, and later ones with the token', () => {
    const { add, take, counts } = createCollection()
    for (let turn = 0; turn < 1001; turn += 1) add('event', { turn })
    add('event', { token: TOKEN })
    add('error', new Error('other'))
    add('output', 'other')
    const places = take().map(({ place }) => place)
    expect(places).toEqual([...Array<string>(1001).fill('event'), 'error', 'output'])
    expect(counts).toEqual({ event: 1002, error: 1, output: 1 })
    for (let turn = 0; turn < 1001; turn += 1) add('error', new Error('other'))
    add('error', { message: TOKEN })
    expect(take()).toHaveLength(1001)
  })

  it('include bytes that this process writes and output of its child processes', () => {
    const seen: string[] = []
    watchOutput((text) => seen.push(text))
    process.stdout.write(new TextEncoder().encode('a line of bytes\n'))
    execFileSync(process.execPath, ['-e', 'console.log("a line of a command")'])
    expect(seen.join('')).toMatch(/a line of bytes\n.*a line of a command\n/s)
  })
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
