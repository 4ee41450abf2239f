import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFeed } from '../../../src/cli/watch/feed.ts'
import { createKey, listKeys } from '../../../src/keys.ts'
import { writeStoreConfig } from '../../support/redis-servers.ts'
import { stopCommands } from '../../support/served-command.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startConsole } from './running-console.ts'
import type { CreatedKey } from '../../../src/keys.ts'
import type { Answer, RunningConsole } from './running-console.ts'

/** What `with-auth console` answers, without a browser. */

const inFolder = setupFolder()
const file = (): string => inFolder('keys.yaml')

let alice: CreatedKey
let served: RunningConsole
beforeEach(async () => {
  alice = await createKey(file(), { principal: 'alice' })
  served = await startConsole(file())
})
afterEach(stopCommands)

/** Each route, with a body for those that change something. */
const ROUTES = [
  ['GET', '/', undefined],
  ['GET', '/console.js', undefined],
  ['GET', '/console.css', undefined],
  ['POST', '/session', { code: 'wrong' }],
  ['GET', '/api/keys', undefined],
  ['GET', '/api/decisions', undefined],
  ['POST', '/api/keys', { principal: 'mallory' }],
  ['POST', '/api/keys/ID/rotate', {}],
  ['POST', '/api/keys/ID/revoke', {}],
] as const

/** Whether the file of keys is as it was. */
const isUntouched = async (): Promise<boolean> => {
  const keys = await listKeys(file())
  return keys.length === 1 && keys[0]?.status === 'active'
}

/** Sends a request to each route, with the token of a session unless these headers have another. */
async function sendToAll(
  given: Readonly<Record<string, string | undefined>>,
  routes: readonly (typeof ROUTES)[number][] = ROUTES,
): Promise<Answer[]> {
  const headers = { ...(await served.signIn()), ...given }
  const answers: Answer[] = []
  for (const [method, route, body] of routes) {
    answers.push(await served.send(route.replace('ID', alice.id), { method, headers, body }))
  }
  return answers
}

const CHANGES = ROUTES.filter(([method, route]) => method === 'POST' && route !== '/session')
const BEHIND_THE_GUARD = ROUTES.filter(([, route]) => route.startsWith('/api/'))

it.each([
  ['/', 'text/html; charset=UTF-8', /^<!doctype html>/],
  ['/console.css', 'text/css; charset=utf-8', /^:root \{/],
  ['/console.js', 'text/javascript; charset=utf-8', /addEventListener/],
])('anybody on this machine gets %s, as %s', async (route, type, content) => {
  const { status, headers, text } = await served.send(route)
  expect([status, headers['content-type']]).toEqual([200, type])
  expect(text).toMatch(content)
  expect((await served.send(route, { method: 'HEAD' })).status).toBe(200)
})

describe('every route', () => {
  it('answers with the headers that bind the browser', async () => {
    for (const answer of [
      ...(await sendToAll({})),
      ...(await sendToAll({ host: 'evil.example' })),
    ]) {
      expect(answer.headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(answer.headers).not.toHaveProperty('set-cookie')
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it.each([
    'evil.example:PORT',
    'localhost:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    '[::1]:PORT',
    'x@127.0.0.1:PORT',
  ])('answers 421 where another name points here: %s', async (host) => {
    for (const { status, text } of await sendToAll({
      host: host.replace('PORT', `${served.port}`),
    })) {
      expect({ status, text }).toEqual({
        status: 421,
        text: `This is the console of ${served.url}/. Open it at that address.\n`,
      })
    }
    expect(await isUntouched()).toBe(true)
  })

  it.each([
    'https://evil.example',
    'http://localhost:PORT',
    'http://127.0.0.1:1',
    'http://127.0.0.1:PORT/',
    'null',
    '',
  ])('answers 403 to a page of another origin: %j', async (origin) => {
    for (const { status, text } of await sendToAll({
      origin: origin.replace('PORT', `${served.port}`),
    })) {
      expect({ status, text }).toEqual({
        status: 403,
        text: `Only the page of ${served.url}/ may do this.\n`,
      })
    }
    expect(await isUntouched()).toBe(true)
  })

  it('needs an Origin if it changes something, and does nothing by GET and HEAD', async () => {
    const statuses = (await sendToAll({ origin: undefined }, CHANGES)).map(({ status }) => status)
    expect(statuses).toEqual(CHANGES.map(() => 403))
    for (const method of ['GET', 'HEAD'] as const) {
      await sendToAll({}, CHANGES.map(([, route]) => [method, route, undefined]) as never)
    }
    expect(await isUntouched()).toBe(true)
  })

  it.each([undefined, 'Bearer wrong', 'Bearer KEY'])(
    'needs a session below /api: %s',
    async (value) => {
      const authorization = value?.replace('KEY', alice.key)
      const routes = [...BEHIND_THE_GUARD, ['GET', '/api/other', undefined]] as never
      for (const { status, text } of await sendToAll({ authorization }, routes)) {
        expect(status).toBe(401)
        expect(text).not.toContain('alice')
      }
      expect(await isUntouched()).toBe(true)
    },
  )
})

describe('the API', () => {
  it('lists keys without their hashes, and how long a revoked one may work', async () => {
    const headers = await served.signIn()
    const { body, text } = await served.send('/api/keys', { headers })
    expect(body).toMatchObject({
      place: file(),
      keys: [{ id: alice.id, principal: 'alice', status: 'active' }],
      revocation: {
        acceptedForMs: 30_000,
        text: 'at a server or a gateway with these keys a revoked key works for at most 1 s for new requests; behind "with-auth endpoint" it works for its --max-age, 30 s by default',
      },
    })
    expect(text).not.toMatch(/sha256|[\da-f]{64}/)
    expect(text).not.toContain(alice.key)
  })

  it('creates, rotates and revokes by the functions of the command', async () => {
    const headers = await served.signIn()
    const post = (target: string, body: object) => served.send(target, { headers, body })
    const created = await post('/api/keys', {
      principal: 'bob',
      tenant: 'acme',
      attributes: ['role=admin', 'teams=a', 'teams=b'],
      paths: ['/v1'],
      expiresIn: '90d',
    })
    expect([created.status, created.body]).toMatchObject([
      201,
      {
        key: expect.stringMatching(/^withauth_/) as string,
        tenant: 'acme',
        attributes: { role: ['admin'], teams: ['a', 'b'] },
        paths: ['/v1'],
        advice:
          'the key has the attribute "role". Is "roles" meant, which access({ roles }) reads? Then revoke the key, and create one',
      },
    ])
    const id = String(created.body['id'])
    const rotated = await post(`/api/keys/${id}/rotate`, { overlap: '1h' })
    expect(rotated.body).toMatchObject({ principal: 'bob', replaces: { id, status: 'active' } })
    const revoked = await post(`/api/keys/${alice.id}/revoke`, {})
    expect(revoked.body).toMatchObject({ acceptedForMs: 30_000 })
    expect(`${rotated.text}${revoked.text}`).not.toContain('sha256')
    const states = (await listKeys(file())).map(({ principal, status }) => [principal, status])
    expect(states).toEqual([
      ['alice', 'revoked'],
      ['bob', 'active'],
      ['bob', 'active'],
    ])
  })

  it.each([
    ['/api/keys', {}, 400, 'Principal must be a text of 1 to 256 characters'],
    ['/api/keys', { principal: 'a', attributes: ['x'] }, 400, 'Attributes must be NAME=VALUE'],
    ['/api/keys', { principal: 'a', paths: ['v1'] }, 400, 'Paths must be '],
    ['/api/keys', { principal: 'a', expiresIn: 'soon' }, 400, 'Works for must be '],
    ['/api/keys', { principal: 'a', sha256: 'b' }, 400, '"key.sha256"'],
    ['/api/keys/ID/rotate', { overlap: 'x' }, 400, 'The old key works for must be '],
    ['/api/keys/key_none/rotate', {}, 400, 'There is no key with this id'],
    ['/api/keys/key_none/revoke', {}, 400, 'reload the page'],
  ])('answers %s %j with %i, and names the field', async (route, body, status, message) => {
    const headers = await served.signIn()
    const answer = await served.send(route.replace('ID', alice.id), { headers, body })
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ error: { message: expect.stringContaining(message) } })
    expect(await isUntouched()).toBe(true)
  })

  it('says what is wrong with keys that become broken or read-only, and works again', async () => {
    const headers = await served.signIn()
    const before = readFileSync(file())
    writeFileSync(file(), 'keys: [')
    const broken = await served.send('/api/keys', { headers })
    expect([broken.status, broken.text]).toEqual([500, expect.stringContaining('keys.yaml:1:')])
    rmSync(file())
    const missing = await served.send('/api/keys', { headers })
    expect(missing.text).toContain('no such file: create it with')
    writeFileSync(file(), before)
    expect((await served.send('/api/keys', { headers })).status).toBe(200)
    rmSync(dirname(file()), { recursive: true })
    const body = { principal: 'bob' }
    const readOnly = await served.send('/api/keys', { headers, body })
    expect([readOnly.status, readOnly.text]).toEqual([
      500,
      expect.stringContaining('.lock: its folder does not exist'),
    ])
  })

  it('lists the keys, and says why their use is unknown', async () => {
    writeFileSync(`${file()}.usage`, '{')
    const { body } = await served.send('/api/keys', { headers: await served.signIn() })
    expect(body).toMatchObject({
      keys: [{ id: alice.id }],
      warning: `${file()}.usage does not hold the use of keys. Remove it: the counts in it are lost`,
    })
  })

  it('says how long the servers of --config accept a revoked key', async () => {
    const config = inFolder('run.yaml')
    const text = readFileSync(writeStoreConfig(config, 'redis://127.0.0.1:1'), 'utf8')
    writeFileSync(config, text.replace('auth: {', 'auth: { access_policy: [],'))
    const other = await startConsole(file(), ['--config', config])
    const { body } = await other.send('/api/keys', { headers: await other.signIn() })
    expect(body['revocation']).toEqual({
      acceptedForMs: 1000,
      text: 'a revoked key works for at most 1 s for new requests; 30 s if nobody announces it',
    })
  })

  it('lists many keys page by page', async () => {
    const entries = Array.from({ length: 1001 }, (_, index) => {
      const number = String(index).padStart(4, '0')
      return `  - { id: k${number}, principal: p, sha256: ${number.padStart(64, 'a')} }\n`
    })
    writeFileSync(file(), `keys:\n${entries.join('')}`)
    const headers = await served.signIn()
    const { body } = await served.send('/api/keys', { headers })
    expect([body['next'], (body['keys'] as object[]).length]).toEqual(['k0999', 1000])
    const rest = await served.send(`/api/keys?after=k0999`, { headers })
    expect(rest.body).toMatchObject({ keys: [{ id: 'k1000' }] })
    expect(rest.body).not.toHaveProperty('next')
  })
})

it('streams decisions until another session begins, and has none without --watch', async () => {
  const without = await served.send('/api/decisions', { headers: await served.signIn() })
  const message = 'There is nothing here'
  expect([without.status, without.body]).toEqual([404, { error: { message } }])
  expect((await served.send('/')).text).not.toContain('Live decisions')
  const feed = createFeed({ path: inFolder('watch.sock') }, 'gateway')
  await feed.listen()
  const other = await startConsole(file(), ['--watch', inFolder('watch.sock')])
  expect((await other.send('/')).text).toContain('Live decisions')
  // RFC 9110 §11.1: the scheme may be in any case. RFC 6750 §2.1 allows several blanks.
  const { authorization } = await other.signIn()
  const headers = { authorization: authorization.replace('Bearer ', 'bearer  ') }
  const stream = await fetch(`${other.url}/api/decisions`, { headers })
  expect(stream.headers.get('content-type')).toBe('application/x-ndjson')
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect(await reader?.read()).toMatchObject({ value: '{"type":"watching","from":"gateway"}\n' })
  const decision = { type: 'decision', outcome: 'allow', status: 200, path: '/' } as const
  feed.send(decision)
  expect(JSON.parse((await reader?.read())?.value ?? '')).toMatchObject(decision)
  await other.nextLink()
  await other.signIn()
  feed.send(decision)
  expect(await reader?.read()).toEqual({ done: true, value: undefined })
  expect((await other.send('/api/decisions', { headers })).status).toBe(401)
  await feed.close()
})

it('stops watching when the page is closed or loaded again', async () => {
  const feed = createFeed({ path: inFolder('watch.sock') }, 'gateway')
  await feed.listen()
  const other = await startConsole(file(), ['--watch', inFolder('watch.sock')])
  const headers = await other.signIn()
  // The feed has places for eight.
  for (let count = 0; count < 12; count += 1) {
    const leaving = new AbortController()
    const { body } = await fetch(`${other.url}/api/decisions`, { headers, signal: leaving.signal })
    const first = await body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toContain('"watching"')
    leaving.abort()
  }
  await feed.close()
})
