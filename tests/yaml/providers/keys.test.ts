import { createServer } from 'node:https'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/yaml.ts'
import { PROVIDER_TYPES } from '../../../src/yaml/providers/types.ts'
import { keyOf } from '../../../src/yaml/values.ts'
import { guardOf } from '../../support/guarded-verifier.ts'
import { sign } from '../../support/issuer.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { usePassingTime } from '../../support/passing-time.ts'
import { PROVIDER_ROWS } from './provider-rows.ts'
import { GOOD, startProviders } from '../../support/provider-services.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { run } from '../../support/tcp-endpoint.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { SigningKey } from '../../support/issuer.ts'
import { kindsOf } from '../../../scripts/docs/option-kinds.ts'
import type { Fields } from '../../../scripts/docs/option-kinds.ts'

/** Each key of each type of provider, and what it changes. */

const pathOf = setupFolder()
const pass = usePassingTime()

/** Keys whose effect needs time, or TLS. */
const BELOW = new Set(['jwks.key_recheck_period', 'keys_max_stale_seconds', 'tls_cafile'])

const KEYS = keysText(
  entry('good', { attributes: { roles: ['admin'] }, tenant: 'acme' }),
  entry('revoked', { revoked: true }),
)

async function guardFor(provider: string, isMember = false) {
  const file = pathOf('run.yaml')
  const auth = isMember ? `providers: [${provider}]` : `provider_config: ${provider}`
  writeFileSync(pathOf('token'), 'reviewer\n')
  writeFileSync(pathOf('keys.yaml'), KEYS)
  writeFileSync(file, `server:\n  auth:\n    ${auth}\n`)
  return guardOf(await loadConfig(file))
}

function tokenOf(key: SigningKey, claims: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  return sign(key, { iss: 'me', aud: 'ogx', sub: 'alice', exp, ...claims })
}

const rows = Object.entries(PROVIDER_ROWS).flatMap(([type, all]) =>
  all.map((row) => ({ type, ...row })),
)

describe('a provider', () => {
  it.each(rows)('$type: $key in { $yaml }', async (row) => {
    const { type, yaml, claims, sent, effect, call = {} } = row
    const { url, key, calls } = await startProviders()
    const inPlace = (text: string): string =>
      text.replaceAll('URL', url).replaceAll('FOLDER', pathOf('.'))
    const guard = await guardFor(`{ type: ${type}, ${inPlace(yaml)} }`, type === 'custom')
    const claimed = JSON.parse(inPlace(JSON.stringify(claims ?? {}))) as object
    expect(await guard.send(sent ?? { token: await tokenOf(key, claimed) })).toMatchObject(effect)
    expect(calls.at(-1) ?? {}).toMatchObject(call)
  })

  it('has no other keys', () => {
    const keysOf = (fields: Fields, aliases: readonly string[], above = ''): string[] =>
      Object.entries(fields).flatMap(([name, { form }]) => {
        const path = `${above}${name}`
        const inner = keysOf(form.fields ?? {}, aliases, `${path}.`)
        return aliases.includes(path) ? [] : [keyOf(path), ...inner]
      })
    for (const [type, { fields, aliases }] of PROVIDER_TYPES) {
      const tested = (PROVIDER_ROWS[String(type)] ?? []).map(({ key }) => key)
      const all = keysOf(kindsOf(fields), Object.keys(aliases)).filter((key) => !BELOW.has(key))
      expect({ type, keys: new Set(tested) }).toEqual({ type, keys: new Set(all) })
    }
  })

  it('fetches keys again after key_recheck_period, and uses old ones for keys_max_stale_seconds', async () => {
    const { url, key, calls, fail } = await startProviders()
    const jwks = `jwks: { uri: "${url}/jwks", key_recheck_period: 600 }, keys_max_stale_seconds: 60`
    const guard = await guardFor(`{ type: oauth2_token, issuer: me, ${jwks} }`)
    const token = await tokenOf(key, { exp: 4_000_000_000 })
    const outcome = async (): Promise<unknown> => (await guard.send({ token })).outcome
    expect(await outcome()).toBe('allow')
    pass(470_000)
    expect(await outcome()).toBe('allow')
    expect(calls).toHaveLength(1)
    fail()
    pass(140_000)
    expect(await outcome()).toBe('allow')
    expect(calls.length).toBeGreaterThan(1)
    pass(60_000)
    expect(await outcome()).toBe('deny')
    expect(guard.warnings().join()).toContain('for at most 1 min')
  })

  it.each([
    ['oauth2_token', (url: string) => `jwks: { uri: "${url}/jwks" }, issuer: me`],
    ['kubernetes', (url: string) => `api_server_url: "${url}"`],
  ])('%s trusts the authority of tls_cafile, and no other', async (type, keysFor) => {
    const server = createServer(SELF_SIGNED, (request, response) => {
      const isKeys = request.url === '/jwks'
      response.writeHead(isKeys ? 200 : 201, { 'content-type': 'application/json' })
      const status = { userInfo: { username: 'robot' } }
      response.end(JSON.stringify(isKeys ? { keys: [key.jwk] } : { status }))
    })
    const { key } = await startProviders()
    const { port } = await run(server)
    writeFileSync(pathOf('ca.crt'), SELF_SIGNED.cert)
    const keys = keysFor(`https://localhost:${port}`)
    const token = type === 'kubernetes' ? GOOD : await tokenOf(key)
    const trusting = await guardFor(`{ type: ${type}, ${keys}, tls_cafile: "${pathOf('ca.crt')}" }`)
    expect(await trusting.send({ token })).toMatchObject({ outcome: 'allow' })
    const other = await guardFor(`{ type: ${type}, ${keys} }`)
    expect(await other.send({ token })).toMatchObject({ reason: 'unreachable' })
  })
})
