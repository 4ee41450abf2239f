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

describe('after a request with the token', () => {
  const config: AuthConfig = {
    endpoint: 'https://auth.example.test/validate',
    cache: memoryCache(),
    context: { headers: [] },
    fetch: async () => new Response('{"principal":"alice"}'),
  }
  const handler = (): Response => new Response('')

  it.each<[string, () => { value: object; send: (request: Request) => unknown }]>([
    ['withAuth(handler)', () => sendingTo(withAuth(handler, config))],
    [
      'withAuth({ fetch })',
      () => {
        const value = withAuth({ fetch: handler }, config)
        return { value, send: (request) => value.fetch(request) }
      },
    ],
    ['createAuthenticator()', () => sendingTo(createAuthenticator(config))],
    [
      'the gateway',
      () =>
        sendingTo(
          withAuth(
            createGateway({ upstream: 'http://127.0.0.1:1', fetch: async () => new Response('') }),
            config,
          ),
        ),
    ],
    [
      'the middleware',
      () => {
        const value = auth(config)
        const app = new Hono().use(value).get('/', (c) => c.text(''))
        return { value, send: (request) => app.fetch(request) }
      },
    ],
  ])('%s does not show it', async (_what, make) => {
    const { value, send } = make()
    await send(get('/', TOKEN))
    const shown = inspect([value, nodeTransport()], { depth: 20, showHidden: true, getters: true })
    expect(findCanary(`${shown} ${JSON.stringify(value)}`)).toBeUndefined()
  })

  function sendingTo<Value extends (request: Request) => unknown>(value: Value) {
    return { value, send: value }
  }
})
