import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { BUN, DENO, SOME_NODES, locate } from './support/binaries.ts'
import { send } from './support/http.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { Binary } from './support/binaries.ts'
import type { Start } from './support/served-program.ts'
import type { RunningServer } from './support/server-process.ts'

/** A way to serve a program that has `export default { fetch }`, and may read a file. */
type Serve = (program: string, file?: string) => Start

const run = promisify(execFile)

const SECRET = { 'x-auth-secret': 's3cr3t-s3cr3t-s3' }
const FIELDS = '"principal": "alice", "attributes": { "roles": ["admin"] }'
const KEYS = `keys:
  - { id: good, ${FIELDS}, sha256: ${hash('good')} } # Alice's
  - { id: limited, ${FIELDS}, paths: [/v1], sha256: ${hash('limited')} }
  - { id: ended, ${FIELDS}, expires: 2020-01-01, sha256: ${hash('ended')} }
  - { id: revoked, ${FIELDS}, revoked: true, sha256: ${hash('revoked')} }
`

const CONTRACT = {
  good: 200,
  freshness: ['max-age=10'],
  identity: { principal: 'alice', attributes: { roles: ['admin'] } },
  limited: 200,
  denied: [401, 401, 401, 401, 401],
  deniedBodies: 1,
  get: 405,
  nonsense: 400,
  tooLong: 413,
}

// As the README says, and what the programs look up.
const DENO_ENV = '--allow-env=LOG_STREAM,LOG_TOKENS,KEYS_FILE,KEYS_TEXT'

const onDeno: Serve = (program, file) => {
  const mayRead = file === undefined ? [] : [`--allow-read=${file}`]
  return onCommand(DENO, ...DENO_SERVE, DENO_ENV, ...mayRead, program)
}
const WITH_FILES: readonly (readonly [name: string, serve: Serve])[] = [
  ...SOME_NODES.map((node) => [node.name, (program: string) => onSrvx(node, program)] as const),
  ['Bun', (program) => onCommand(BUN, '--port=0', program)],
  ['Deno', onDeno],
]
const WORKERD: readonly [string, Serve] = ['workerd', (program) => onWorkerd(program)]

let server: RunningServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

describe.each([...WITH_FILES, WORKERD])('over a text on %s', (_name, serve) => {
  it('the endpoint answers the contract', async () => {
    server = await serve('keys-text.js')(inject('app'), { KEYS_TEXT: KEYS })
    expect(await answersOf(server.url)).toEqual(CONTRACT)
    for (const secret of [`${SECRET['x-auth-secret']}x`, 's3cr3t-s3cr3t-s4', '']) {
      const headers = { 'x-auth-secret': secret }
      expect((await ask(server.url, 'good', '/', headers)).status).toBe(500)
    }
  })
})

describe.each(WITH_FILES)('the verifier over a file on %s', (_name, serve) => {
  it('sees each change at once, and says once that the file is broken', async () => {
    const file = join(mkdtempSync(join(inject('app'), 'keys-')), 'keys.yaml')
    writeFileSync(file, KEYS)
    server = await serve('keys-verifier.js', file)(inject('app'), { KEYS_FILE: file })
    const { url } = server
    const good = await call(url, 'good')
    const identity = { ...CONTRACT.identity, claims: { key_id: 'good' } }
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
  })
})

describe('changing the file', () => {
  it('from all runtimes at once loses nothing, and no comment', async () => {
    const file = join(mkdtempSync(join(inject('app'), 'keys-')), 'keys.yaml')
    writeFileSync(file, KEYS)
    const runtimes: readonly (readonly [Binary, ...string[]])[] = [
      ...SOME_NODES.map((node): [Binary] => [node]),
      [BUN],
      [DENO, 'run', '--no-prompt', '--allow-read', '--allow-write', DENO_ENV],
    ]
    const edited = await Promise.all(
      runtimes.map(async ([binary, ...args]) => {
        const command = [...args, 'keys-edit.js', file, binary.name, '4']
        const options = { cwd: inject('app'), env: {} }
        const { stdout } = await run(locate(binary), command, options)
        return { name: binary.name, keys: JSON.parse(stdout) as object[] }
      }),
    )
    for (const { name, keys } of edited) {
      const statuses = ['active', 'revoked', 'active', 'revoked']
      const expected = statuses.map((status, index) => ({ principal: `${name} ${index}`, status }))
      expect({ name, keys }).toMatchObject({ name, keys: expected })
    }
    const text = readFileSync(file, 'utf8')
    expect(text.match(/id: /g)).toHaveLength(4 + 4 * runtimes.length)
    expect(text).toContain("# Alice's")
  }, 60_000)
})

/** The answers of the endpoint to each kind of key and request. */
async function answersOf(url: string): Promise<Record<string, unknown>> {
  const good = await ask(url, 'good', '/')
  const denied = [
    await ask(url, 'unknown'),
    await ask(url, 'ended'),
    await ask(url, 'revoked'),
    await ask(url, 'limited', '/v1x'),
    await ask(url, 'limited', ''),
  ]
  const post = { method: 'POST', target: '/', headers: SECRET }
  return {
    good: good.status,
    freshness: good.headers.get('cache-control'),
    identity: JSON.parse(good.body) as unknown,
    limited: (await ask(url, 'limited', '/v1/models')).status,
    denied: denied.map(({ status }) => status),
    deniedBodies: new Set(denied.map((answer) => answer.body)).size,
    get: (await send(url, { method: 'GET', target: '/' })).status,
    nonsense: (await send(url, { ...post, body: '{}' })).status,
    tooLong: (await send(url, { ...post, body: 'x'.repeat(70_000) })).status,
  }
}

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
