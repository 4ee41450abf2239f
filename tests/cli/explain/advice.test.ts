import { describe, expect, it } from 'vitest'
import { goodClaims, keyOf, sign } from '../../support/issuer.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createExplain } from '../support/explained.ts'
import { spawnSync } from 'node:child_process'
import { createKey, sqliteKeys } from '../../../src/keys.ts'
import { tellSkipped } from '../../support/installed.ts'
import { COMMANDS } from '../../../src/cli/main.ts'
import { runLine } from '../../support/surroundings.ts'

/** What `with-auth explain` says to change: in the words of the file, with the line, and about the server that is there. */

const inFolder = setupFolder()
const { explain, run } = createExplain(inFolder)

const BY_PROXY = `provider_config:
  type: upstream_header
  principal_header: x-user
  attribute_headers: { x-groups: teams }
  trusted_proxy_cidrs: [10.0.0.7]`
const FROM = (address: string, groups: string) => {
  return [
    '--client-address',
    address,
    '--header',
    'x-user: alice',
    '--header',
    `x-groups: ${groups}`,
  ]
}

describe('a caller whom a proxy names', () => {
  it('from another address: the key of the file, and its line', async () => {
    const { exit, why, change } = await explain(BY_PROXY, '', FROM('10.0.0.8', 'a'))
    expect({ exit, why, change }).toEqual({
      exit: 1,
      why: 'The request did not come from an address of "trusted_proxy_cidrs".',
      change: ['Add the address of the proxy to "trusted_proxy_cidrs", if it is one (run.yaml:7).'],
    })
  })

  it('in a header with a comma: what to write, and no word of a token', async () => {
    const { exit, why, change } = await explain(BY_PROXY, '', FROM('10.0.0.7', 'a, b'))
    expect({ exit, why, change }).toEqual({
      exit: 1,
      why: 'A header of the proxy cannot be read. The header "x-groups" has a comma: if it is a list, write { attribute, separator: "," } in place of the name of the attribute.',
      change: ['Let the proxy send it in another form, or change how it is read (run.yaml:6).'],
    })
  })
})

describe('an answer 200 without the required principal', () => {
  it.each([
    [
      (url: string) => `endpoint: ${url}/a\nidentity: required`,
      'Let the service answer with a JSON object that has "principal", or leave out "identity" (run.yaml:4).',
    ],
    [
      (url: string) => `providers:\n  - { type: custom, endpoint: "${url}/a" }`,
      'Let the service answer with a JSON object that has "principal" (run.yaml:4).',
    ],
  ])('names the field and the option', async (fileOf, change) => {
    const service = await startService(() => ({ json: {} }))
    const found = await explain(fileOf(`http://127.0.0.1:${service.port}`), 'some-token')
    expect(found).toMatchObject({
      exit: 3,
      code: 'invalid_response',
      why: 'The service answered 200, and its answer has no "principal".',
      change: [change],
    })
  })

  it('names a field of another type, as the warning does', async () => {
    const service = await startService(() => ({ json: { principal: 7 } }))
    const file = `endpoint: http://127.0.0.1:${service.port}/a\nidentity: required`
    const { change } = await explain(file, 'some-token')
    expect(change).toEqual([
      'The endpoint sent an identity that was dropped: "principal" must be a string',
    ])
  })
})

it.each([
  [204, 'Let the endpoint answer exactly 200 (run.yaml:3).'],
  [302, 'The endpoint redirects, often from http to https: set the new URL (run.yaml:3).'],
  [404, 'The endpoint has another path or port (run.yaml:3).'],
  [405, 'The endpoint has another path or port (run.yaml:3).'],
  [422, 'The endpoint expects another body (run.yaml:3).'],
  [403, 'The log of the service says why (run.yaml:3).'],
])('an endpoint that answers %i: what that says of its address', async (status, change) => {
  const service = await startService(() => ({ status }))
  const found = await explain(`endpoint: http://127.0.0.1:${service.port}/a`, 'some-token')
  expect(found).toMatchObject({ exit: 1, code: 'denied', change: [change] })
})

it('a caller without a tenant: the line that needs one', async () => {
  const service = await startService(() => ({ json: { principal: 'a' } }))
  const file = `endpoint: http://127.0.0.1:${service.port}/a\ntenant: { mode: multi }`
  const { detail, change } = await explain(file, 'some-token')
  expect({ detail, change }).toEqual({
    detail: 'tenant',
    change: ['Let the issuer send a tenant, or change "tenant" (run.yaml:4).'],
  })
})

// tests/cli/explain/recorded.test.ts has the hints about tokens of Keycloak and Hydra.
it('a token for another audience: no hint about a server for an issuer that shows none', async () => {
  const key = await keyOf('ES256', 'a')
  const service = await startService(() => ({ json: { keys: [key.jwk] } }))
  const iss = 'https://login.example.com'
  const file = `provider_config: { type: oauth2_token, issuer: "${iss}", audience: my-api, jwks: { uri: "http://127.0.0.1:${service.port}/a" } }`
  const { detail, change } = await explain(file, await sign(key, goodClaims({ iss, aud: 'other' })))
  expect({ detail, change }).toEqual({
    detail: 'audience',
    change: [
      'Let the issuer put your API into "aud", or set "audience" to what is there (run.yaml:3).',
    ],
  })
})

const MISSING =
  process.getBuiltinModule('node:sqlite') === undefined
    ? tellSkipped('node:sqlite needs Node 22.13 or later')
    : undefined

it.skipIf(MISSING !== undefined)(
  `opens a SQLite file once, so that this process keeps its locks ${MISSING ?? ''}`,
  async () => {
    const file = inFolder('keys.db')
    const store = sqliteKeys(file, { create: true })
    const { key, id } = await createKey(store, { principal: 'bob' })
    const { providers } = await explain(`provider_config: { type: api_keys, file: "${file}" }`, key)
    expect(providers).toMatchObject([{ result: 'allowed', apiKey: { record: { id } } }])
    // Only a process that has the file alone can lock all of it.
    const script = `new (require('node:sqlite').DatabaseSync)('${file}').exec('pragma locking_mode = exclusive; begin exclusive')`
    const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect(stderr).toContain('database is locked')
    await store.close?.()
  },
)

it.skipIf(MISSING !== undefined)(
  `calls a SQLite file without its table wrong usage, by both flags ${MISSING ?? ''}`,
  async () => {
    const file = inFolder('empty.db')
    const store = sqliteKeys(file, { create: true })
    await store.close?.()
    const script = `new (require('node:sqlite').DatabaseSync)('${file}').exec('drop table withauth_keys')`
    spawnSync(process.execPath, ['-e', script])
    const line = ['explain', '--path', '/v1', '--keys', file]
    const byFlag = await runLine(line, COMMANDS, {}, 'some-token')
    expect([byFlag.code, byFlag.printed]).toEqual([2, ''])
    const byFile = await run(`provider_config: { type: api_keys, file: "${file}" }`, 'some-token')
    expect([byFile.code, byFile.printed]).toEqual([2, ''])
    for (const { noted } of [byFlag, byFile])
      expect(noted).toContain('no such table: withauth_keys')
  },
)
