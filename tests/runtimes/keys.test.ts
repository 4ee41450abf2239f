import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, inject, it } from 'vitest'
import { send } from './support/http.ts'
import { runProgram, RUNTIMES } from './support/run-program.ts'
import { onEach, SERVING } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'

const SECRET = { 'x-auth-secret': 's3cr3t-s3cr3t-s3' }
const ALICE = { principal: 'alice', attributes: { roles: ['admin'] } }
const FIELDS = '"principal": "alice", "attributes": { "roles": ["admin"] }'
const KEYS = `keys:
  - { id: good, ${FIELDS}, sha256: ${hash('good')} } # Alice's
  - { id: limited, ${FIELDS}, paths: [/v1], sha256: ${hash('limited')} }
  - { id: ended, ${FIELDS}, expires: 2020-01-01, sha256: ${hash('ended')} }
  - { id: revoked, ${FIELDS}, revoked: true, sha256: ${hash('revoked')} }
`

// As the README says, and what the programs look up.
const DENO_ENV = '--allow-env=LOG_STREAM,LOG_TOKENS,KEYS_FILE,KEYS_TEXT'

let server: RunningServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

it.each(onEach('keys-text.js', DENO_ENV))(
  'the endpoint over a text answers by the key, its path and the secret of the endpoint on %s',
  async (_name, start) => {
    server = await start(inject('app'), { KEYS_TEXT: KEYS })
    const { url } = server
    const good = await ask(url, 'good')
    expect([good.status, JSON.parse(good.body)]).toEqual([200, ALICE])
    expect(good.headers.get('cache-control')).toEqual(['max-age=10'])
    expect((await ask(url, 'limited', '/v1/models')).status).toBe(200)
    const denied = [
      await ask(url, 'unknown'),
      await ask(url, 'ended'),
      await ask(url, 'revoked'),
      await ask(url, 'limited', '/v1x'),
    ]
    expect(denied.map(({ status }) => status)).toEqual([401, 401, 401, 401])
    expect(new Set(denied.map(({ body }) => body)).size).toBe(1)
    for (const secret of [`${SECRET['x-auth-secret']}x`, 's3cr3t-s3cr3t-s4', '']) {
      expect((await ask(url, 'good', '/', { 'x-auth-secret': secret })).status).toBe(500)
    }
    for (const [body, status] of [
      ['{}', 400],
      ['x'.repeat(70_000), 413],
    ] as const) {
      const post = { method: 'POST', target: '/', headers: SECRET, body }
      expect([body.length, (await send(url, post)).status]).toEqual([body.length, status])
    }
    expect((await send(url, { method: 'GET', target: '/' })).status).toBe(405)
  },
)

// Workers have no files.
const WITH_FILES = SERVING.filter(([name]) => name !== 'workerd')

it.each(WITH_FILES)(
  'the verifier over a file sees each change at once, and says once that it is broken, on %s',
  async (_name, serve) => {
    const file = join(mkdtempSync(join(inject('app'), 'keys-')), 'keys.yaml')
    writeFileSync(file, KEYS)
    const start = serve('keys-verifier.js', DENO_ENV, `--allow-read=${file}`)
    server = await start(inject('app'), { KEYS_FILE: file })
    const { url } = server
    const good = await call(url, 'good')
    const identity = { ...ALICE, claims: { key_id: 'good' } }
    expect([good.status, JSON.parse(good.body)]).toEqual([200, identity])
    writeFileSync(file, KEYS.replace('id: good,', 'id: good, revoked: true,'))
    expect((await call(url, 'good')).status).toBe(401)
    writeFileSync(file, `${KEYS}oops`)
    for (const key of ['good', 'limited']) expect((await call(url, key)).status).toBe(503)
    writeFileSync(file, KEYS)
    expect((await call(url, 'good')).status).toBe(200)
    await server.stop()
    expect(server.printed().split(`with-auth: requests are rejected: ${file}:6:1: `)).toHaveLength(
      2,
    )
    expect(server.printed()).not.toContain(hash('good'))
  },
)

it('changing a file from all runtimes at once loses nothing, and no comment', async () => {
  const file = join(mkdtempSync(join(inject('app'), 'keys-')), 'keys.yaml')
  writeFileSync(file, KEYS)
  const permissions = ['--allow-read', '--allow-write', DENO_ENV]
  const edited = await Promise.all(
    RUNTIMES.map(async (binary) => {
      const keys = await runProgram(binary, ['keys-edit.js', file, binary.name, '4'], {
        permissions,
      })
      return { name: binary.name, keys }
    }),
  )
  for (const { name, keys } of edited) {
    const statuses = ['active', 'revoked', 'active', 'revoked']
    const expected = statuses.map((status, index) => ({ principal: `${name} ${index}`, status }))
    expect({ name, keys }).toMatchObject({ name, keys: expected })
  }
  const text = readFileSync(file, 'utf8')
  expect(text.match(/id: /g)).toHaveLength(4 + 4 * RUNTIMES.length)
  expect(text).toContain("# Alice's")
})

async function ask(
  url: string,
  key: string,
  path = '/v1',
  secret: Readonly<Record<string, string>> = SECRET,
): ReturnType<typeof send> {
  const body = JSON.stringify({ api_key: key, request: { path, headers: {}, params: {} } })
  const headers = { 'content-type': 'application/json', ...secret }
  return send(url, { method: 'POST', target: '/validate', headers, body })
}

/** A request with a key, to a server behind the verifier. */
function call(url: string, key: string, target = '/v1'): ReturnType<typeof send> {
  return send(url, { method: 'GET', target, headers: { authorization: `Bearer ${key}` } })
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
