import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { encode, sign } from '../../support/issuer.ts'
import { startProviders } from '../../support/provider-services.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { createExplain } from '../support/explained.ts'

/** What `with-auth explain` says of each provider of a file, and of files that it cannot use. */

const inFolder = setupFolder()
const { explain } = createExplain(inFolder)

describe('several providers', () => {
  it('none of which looks at a request without a token', async () => {
    const { url } = await startProviders()
    const keys = inFolder('keys.yaml')
    await createKey(keys, { principal: 'al' })
    const file = `providers:
  - { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/jwks" } }
  - { type: api_keys, file: "${keys}" }`
    const { code, providers } = await explain(file, '')
    expect(code).toBe('missing_credentials')
    const lists = providers.map((one) => [one.type, one.result, 'why' in one, 'apiKey' in one])
    expect(lists).toEqual([
      ['oauth2_token', 'not asked', false, false],
      ['api_keys', 'not asked', false, false],
    ])
  })

  it('the one that allowed has found its key, and a record is told by the file that has it', async () => {
    const { url, key } = await startProviders()
    const [one, two] = [inFolder('one.yaml'), inFolder('two.yaml')]
    await createKey(one, { principal: 'al' })
    const bob = await createKey(two, { principal: 'bob' })
    const file = `providers:
  - { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/jwks" } }
  - { type: api_keys, file: "${one}" }
  - { type: api_keys, file: "${two}" }`
    const claims = { iss: 'me', aud: 'my-api', sub: 'a', exp: Date.now() / 1000 + 60 }
    const byToken = await explain(file, await sign(key, claims))
    expect(byToken.providers[0]?.claims).toContainEqual({
      claim: 'kid',
      says: 'a',
      wants: 'the key that signed it',
      ok: true,
    })
    const { providers } = await explain(file, bob.key)
    expect(providers.map(({ apiKey }) => apiKey?.record)).toMatchObject([
      undefined,
      {},
      { id: bob.id },
    ])
  })

  it('one that gave no answer: its code', async () => {
    const { providers } = await explain('endpoint: http://127.0.0.1:65000/', 'some-token')
    expect(providers).toMatchObject([{ type: 'endpoint', result: 'no answer', why: 'unreachable' }])
  })
})

it('the issuer in the file shows the server of a token that names none', async () => {
  const file = `provider_config: { type: oauth2_token, issuer: "https://kc.example/realms/a", audience: my-api, jwks: { uri: "http://127.0.0.1:65000/jwks" } }`
  const parts = [{ alg: 'RS256', typ: 'ID' }, {}]
  const token = [...parts.map((part) => encode(part)), 'c2ln'].join('.')
  const { detail, change } = await explain(file, token)
  expect(detail).toBe('type')
  expect(change[1]).toMatch(/^With Keycloak: /)
})

it('advice that is a question ends in a question mark, also without a file to name', async () => {
  const env = { AUTH_ENDPOINT: 'http://127.0.0.1:65000/' }
  const { printed } = await runLine(['explain', '--path', '/'], COMMANDS, env, 'some-token')
  expect(printed).toContain('is it running, and is the port right?\n')
})

it('a token without scopes lacks all of them, and is met by no rule', async () => {
  const { url, key } = await startProviders()
  const file = `provider_config: { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/jwks" } }
resource:
  identifier: https://api.example.com/mcp
  authorization_servers: [https://login.example.com]
  require: [notes:read, notes:write]
route_policy: [{ permit: { paths: "*" } }]`
  const exp = Date.now() / 1000 + 60
  const found = await explain(file, await sign(key, { iss: 'me', aud: 'my-api', sub: 'a', exp }))
  expect(found).toMatchObject({
    code: 'insufficient_scope',
    why: 'The token lacks the scope notes:read notes:write. It has none.',
    rules: [],
  })
})

it('the flag for access_policy is that of the gateway', async () => {
  const file = 'endpoint: http://127.0.0.1:65000/\naccess_policy: [{ permit: { actions: [read] } }]'
  await expect(explain(file, '')).rejects.toThrow('access_policy')
  const found = await explain(file, '', ['--upstream-enforces-access-policy'])
  expect(found.code).toBe('missing_credentials')
})

it.each([
  ['a broken key file', 'keys.yaml', 'keys: 7'],
  ['a file that is no database', 'keys.db', 'no database'],
])('%s: wrong usage, and no outage', async (_what, name, text) => {
  const keys = inFolder(name)
  writeFileSync(keys, text)
  const file = inFolder('run.yaml')
  writeFileSync(
    file,
    `server:\n  auth:\n    provider_config: { type: api_keys, file: "${keys}" }\n`,
  )
  const line = ['explain', '--config', file, '--path', '/']
  expect((await runLine(line, COMMANDS, {}, 'some-token')).code).toBe(2)
})
