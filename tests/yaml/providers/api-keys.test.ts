import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeRevocation } from '../../../src/cli/revocation-bounds.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createKey, revokeKey, sqliteKeys } from '../../../src/keys.ts'
import { loadConfig, parseConfig } from '../../../src/yaml.ts'
import { guardOf } from '../../support/guarded-verifier.ts'
import { tellSkipped } from '../../support/installed.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { AuthConfig } from '../../../src/index.ts'

/** The provider `api_keys`, which OGX does not have. */

const pathOf = setupFolder()
const MISSING =
  process.getBuiltinModule('node:sqlite') === undefined
    ? tellSkipped('node:sqlite needs Node 22.13 or later')
    : undefined

function load(auth: string): Promise<AuthConfig> {
  writeFileSync(pathOf('run.yaml'), `server: { auth: { ${auth} } }`)
  return loadConfig(pathOf('run.yaml'))
}

const provider = (file = pathOf('keys.yaml')): string =>
  `provider_config: { type: api_keys, file: "${file}" }`

describe('the provider api_keys', () => {
  it('follows its file: a revoked key stops with the next request, and a broken file is an outage', async () => {
    const { key, id } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const config = await load(`${provider()}, cache: { allow_ttl_ms: 60000 }`)
    const { send } = guardOf(config)
    expect(await send({ token: key })).toMatchObject({ outcome: 'allow', verifier: 'api_keys' })
    await revokeKey(pathOf('keys.yaml'), id)
    expect(await send({ token: key })).toMatchObject({ reason: 'denied', detail: 'revoked' })
    writeFileSync(pathOf('keys.yaml'), 'keys: [')
    expect(await send({ token: key })).toMatchObject({ reason: 'service_error' })
    expect(describeRevocation(resolveConfig(config))).toBe(
      'a revoked key works for at most 1 s for new requests',
    )
  })

  it('stands beside others, and takes the tokens of its shape', async () => {
    const { key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const own = `{ type: api_keys, file: "${pathOf('keys.yaml')}" }`
    const { send } = guardOf(
      await load(`providers: [${own}, { type: local_api_key, api_keys: [sk-1] }]`),
    )
    expect(await send({ token: key })).toMatchObject({ auth: { principal: 'alice' } })
    expect(await send({ token: 'sk-1' })).toMatchObject({ auth: { principal: 'key-1' } })
    expect(await send({ token: `${key}x` })).toMatchObject({ detail: 'malformed' })
  })

  it.each<[string, string | undefined, RegExp]>([
    [
      'is missing',
      undefined,
      /"server\.auth\.provider_config\.file" must be a file of keys that can be read: There is no file .+keys\.yaml\n/,
    ],
    [
      'is broken',
      'keys: [{}, {}]\n',
      /must be a file of keys that can be read: .+keys\.yaml:1:8: Missing: "id", .+; .*keys\.yaml:1:12: /,
    ],
  ])('is a problem of the config if its file %s', async (_, text, message) => {
    if (text !== undefined) writeFileSync(pathOf('keys.yaml'), text)
    await expect(load(provider())).rejects.toThrow(message)
  })

  it.each(['keys.db', 'keys.sqlite', 'keys.sqlite3', 'KEYS.DB'])(
    'takes a file for a database by its name: %s',
    async (name) => {
      writeFileSync(pathOf(name), 'keys: []')
      const message = /must be a file of keys that can be read: /
      await expect(load(provider(pathOf(name)))).rejects.toThrow(message)
    },
  )

  it('takes no file for a database that only has such a name within its own', async () => {
    writeFileSync(pathOf('keys.db.yaml'), 'keys: []')
    expect(await load(provider(pathOf('keys.db.yaml')))).toHaveProperty('verifier')
  })

  it.skipIf(MISSING !== undefined)('reads a database', async () => {
    const { key } = await createKey(sqliteKeys(pathOf('keys.db'), { create: true }), {
      principal: 'alice',
    })
    const { send } = guardOf(await load(provider(pathOf('keys.db'))))
    expect(await send({ token: key })).toMatchObject({ auth: { principal: 'alice' } })
  })

  it.each([
    [
      '',
      /"server\.auth\.provider_config\.file" must be the path of a key file or of a SQLite file/,
    ],
    [
      ', file: keys.yaml',
      /file" must be left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig, or keys\(\{ text \}\) of with-auth\/keys/,
    ],
  ])('without a file to read is a problem: %j', (more, message) => {
    const text = `server: { auth: { provider_config: { type: api_keys${more} } } }`
    expect(() => parseConfig(text)).toThrow(message)
  })
})
