import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { createKey, revokeKey } from '../../../src/keys.ts'
import { writeUses } from '../../../src/keys/usage/recorder.ts'
import { sign } from '../../support/issuer.ts'
import { close, listen } from '../../support/loopback.ts'
import { GITHUB_TOKEN, GOOD, startProviders } from '../../support/provider-services.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createExplain } from '../support/explained.ts'

const inFolder = setupFolder()
const { run, explain } = createExplain(inFolder)

const RULES = `endpoint: http://127.0.0.1:65000/
public: [/health, /docs/*]
preflight: allow
route_policy:
  - forbid: { paths: /v1/admin* }
    unless: user with admin in roles
  - permit: { paths: /v1/*, methods: [GET] }
  - permit: { paths: "*" }
    when: [user with admin in roles, user with ops in teams]`

const ALICE = '{"principal":"alice","attributes":{"roles":["user"]}}'

describe('with-auth explain --as', () => {
  it.each([
    ['/v1/models', 'GET', 0, 'Rule 1 decides (run.yaml:9): permit GET /v1/*', []],
    [
      '/v1/admin/x',
      'GET',
      1,
      'Rule 0 decides (run.yaml:7): forbid /v1/admin*, unless user with admin in roles',
      ['Give the caller the role, or correct the rule.'],
    ],
    [
      '/v1/models',
      'POST',
      1,
      'No rule permits it, and what no rule permits is forbidden.',
      [
        'Rule 2 would permit it (run.yaml:10): permit *, when user with admin in roles and user with ops in teams. But the caller has roles: user; teams: none.',
      ],
    ],
  ])('asks the rules alone about %s by %s', async (path, method, exit, why, change) => {
    const args = ['--path', path, '--method', method, '--as', ALICE]
    const found = await explain(RULES, '', args)
    expect(found).toMatchObject({ exit, why, change, providers: [] })
  })
})

describe('with-auth explain', () => {
  it('says that nothing was asked about a public path, and where the file says so', async () => {
    const found = await explain(RULES, GOOD, ['--path', '/docs/a?b=c'])
    const why = '"/docs/*" is public (run.yaml:4). Nothing was asked.'
    expect(found).toMatchObject({ exit: 0, code: 'public', why, path: '/docs/a?b=c' })
    expect(found.response).toBeUndefined()
  })

  it('says that nothing was asked about a preflight', async () => {
    const headers = ['origin: https://a.example', 'Access-Control-Request-Method: POST']
    const args = ['--method', 'OPTIONS', ...headers.flatMap((one) => ['--header', one])]
    const why =
      'It is a CORS preflight, which "preflight" lets pass (run.yaml:5). Nothing was asked.'
    expect(await explain(RULES, '', args)).toMatchObject({ exit: 0, code: 'preflight', why })
  })

  it('says that a request reaches the server in shadow mode, whatever was decided', async () => {
    const found = await explain(`${RULES}\nmode: shadow`, '')
    const warnings = ['"mode" is "shadow": the request reaches the server all the same']
    expect(found).toMatchObject({ exit: 1, code: 'missing_credentials', warnings })
  })

  it('prints a table of several paths, and exits with the worst code', async () => {
    const paths = ['/health', '/v1/models', '/docs/x'].flatMap((path) => ['--path', path])
    const { code, printed } = await run(RULES, GOOD, paths)
    expect(code).toBe(3)
    expect(printed).toBe(
      [
        'METHOD  PATH        RESULT           CODE         WHY',
        'GET     /health     allowed          public       "/health" is public (run.yaml:4). Nothing was asked.',
        'GET     /v1/models  no decision 401  unreachable  The service cannot be reached. ECONNREFUSED.',
        'GET     /docs/x     allowed          public       "/docs/*" is public (run.yaml:4). Nothing was asked.',
        '',
      ].join('\n'),
    )
  })

  it('says what the endpoint answered, what it may decide by, and how long that is cached', async () => {
    const { url } = await startProviders()
    const file = `endpoint: ${url}/validate
context: { headers: [x-tenant, x-team] }
cache: { deny_ttl_ms: 3000 }`
    const args = ['--header', 'x-team: red']
    const good = await explain(file, GOOD, args)
    const said = { principal: 'carol' }
    expect(good).toMatchObject({ exit: 0, providers: [{ asked: [{ status: 200, said }] }] })
    expect(good.leftOut).toEqual(['the header "x-tenant" (--header)', 'a query (in --path)'])
    const bad = await explain(file, 'no-such-token', args)
    expect(bad).toMatchObject({ exit: 1, code: 'denied', cached: { forMs: 3000 } })
    expect(bad.why).toBe('The service answered 401.')
  })

  it('looks for the token where the file says, also in front of an endpoint with tenants', async () => {
    const { url } = await startProviders()
    const file = `endpoint: ${url}/validate
context: { headers: [] }
tenant: { mode: single, default: acme }
credentials: [{ header: x-api-key }]`
    expect(await explain(file, GOOD)).toMatchObject({ exit: 0, caller: { tenant: 'acme' } })
  })

  it('gives the token beside the other cookies of the request', async () => {
    const service = await startService(() => ({ json: {} }))
    const file = `endpoint: http://127.0.0.1:${service.port}/
credentials: [{ cookie: session }]
context: { headers: [cookie] }`
    expect((await explain(file, GOOD, ['--header', 'cookie: theme=dark'])).exit).toBe(0)
    expect(service.calls[0]?.body).toContain(`"cookie":"theme=dark; session=${GOOD}"`)
  })

  it('says which member of several was asked, and why the others were not', async () => {
    const { url, key } = await startProviders()
    const file = `providers:
  - { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/jwks" } }
  - { type: github_token, github_api_base_url: "${url}" }
  - { type: custom, endpoint: "${url}/validate" }`
    const results = async (token: string) =>
      (await explain(file, token)).providers.map(({ result, why = '' }) => [result, why])
    const NOT_OWN = 'the token does not look like one of its own'
    const taken = (index: number) =>
      `server.auth.providers[${index}] takes the token, and decides alone`
    expect(await results(GITHUB_TOKEN)).toEqual([
      ['not asked', NOT_OWN],
      ['allowed', ''],
      ['not asked', taken(1)],
    ])
    const elsewhere = await sign(key, { iss: 'other', aud: 'my-api', sub: 'a' })
    expect(await results(elsewhere)).toEqual([
      ['not asked', 'the token has another issuer'],
      ['not asked', NOT_OWN],
      ['denied', ''],
    ])
    const { providers } = await explain(file, GITHUB_TOKEN)
    expect(providers[1]?.place).toBe('run.yaml:5')
    expect(providers[1]?.asked.map(({ said }) => said)).toEqual([
      { login: 'octocat' },
      { organizations: 'acme' },
    ])
  })

  it('says which scopes the token lacks', async () => {
    const { url, key } = await startProviders()
    const file = `provider_config: { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/jwks" } }
resource:
  identifier: https://api.example.com/mcp
  authorization_servers: [https://login.example.com]
  require: [notes:read, notes:write]`
    const exp = Date.now() / 1000 + 60
    const claims = { iss: 'me', aud: 'my-api', sub: 'a', exp, scope: 'notes:read' }
    const found = await explain(file, await sign(key, claims))
    expect(found).toMatchObject({ exit: 1, code: 'insufficient_scope' })
    expect(found.why).toBe('The token lacks the scope notes:write. It has notes:read.')
    const change = 'Let the client log in again, and ask for the scopes that it lacks (run.yaml:7).'
    expect(found.change).toEqual([change])
    expect((await explain(file, 'no-token')).why).toMatch(/^It is not a token of this kind/)
    const path = '/.well-known/oauth-protected-resource/mcp'
    expect(await explain(file, '', ['--path', path])).toMatchObject({
      exit: 0,
      code: 'resource_metadata',
      why: 'It asks for the metadata of the resource. Nothing was asked.',
    })
  })

  it.each([
    ['revoked', 'Nothing, if it should not work. Else give the client a new key.'],
    ['path', 'Give the client a key for this path.'],
    ['unknown', 'Let the client send its whole key. "with-auth keys check" reads a key.'],
  ])('says of a key that is denied, "%s", what is stored about it', async (detail, change) => {
    const file = inFolder('keys.yaml')
    const { key, id } = await createKey(file, { principal: 'bob', paths: ['/v2'] })
    if (detail === 'revoked') await revokeKey(file, id)
    const token = detail === 'unknown' ? 'some-other-key' : key
    const found = await explain(`provider_config: { type: api_keys, file: "${file}" }`, token)
    expect(found).toMatchObject({ exit: 1, detail, change: [change] })
    const says = {
      revoked: /^key_\w+: revoked on \d+ \w+ 20\d\d, principal bob, limited to \/v2\/\*$/,
      path: /^key_\w+: valid, principal bob, limited to \/v2\/\*$/,
      unknown: /^unknown: no key here has this value$/,
    }[detail]
    const stored = detail === 'unknown' ? {} : { id, principal: 'bob' }
    expect(found.providers[0]?.apiKey).toMatchObject({
      says: expect.stringMatching(says ?? ''),
      record: stored,
    })
  })

  it('says of a key what each of two files of keys has about it', async () => {
    const [one, two] = [inFolder('one.yaml'), inFolder('two.yaml')]
    const { id, key } = await createKey(one, { principal: 'al' })
    await createKey(two, { principal: 'bob' })
    const file = [two, one].map((name) => `\n  - { type: api_keys, file: "${name}" }`).join('')
    const { providers } = await explain(`providers:${file}`, key)
    expect(providers.map(({ apiKey }) => apiKey?.record)).toMatchObject([{}, { id }])
  })

  it('writes nothing, and neither reads nor shares a decision in the store', async () => {
    let connections = 0
    const server = createServer().on('connection', () => (connections += 1))
    const port = await listen(server)
    const store = `cache: {}\nstore: { url: "redis://127.0.0.1:${port}" }\ncontext: { headers: [] }`
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'bob' })
    const ofKeys = `provider_config: { type: api_keys, file: "${file}" }\n${store}`
    const [files, text] = [readdirSync(inFolder('.')), readFileSync(file, 'utf8')]
    expect(await explain(ofKeys, key)).toMatchObject({ exit: 0, caller: { principal: 'bob' } })
    await runLine(['explain', '--path', '/v1', '--keys', file], COMMANDS, {}, key)
    await writeUses()
    expect(readdirSync(inFolder('.'))).toEqual([...files, 'run.yaml'])
    expect(readFileSync(file, 'utf8')).toBe(text)
    const { url } = await startProviders()
    expect(await explain(`endpoint: ${url}/validate\n${store}`, GOOD)).toMatchObject({ exit: 0 })
    expect(connections).toBe(0)
    await close(server)
  })

  it('reads a key file, and the address of the endpoint, without a run.yaml', async () => {
    const { key, id } = await createKey(inFolder('keys.yaml'), { principal: 'bob' })
    const line = ['explain', '--path', '/v1']
    const byFile = await runLine([...line, '--keys', inFolder('keys.yaml')], COMMANDS, {}, key)
    expect(byFile).toMatchObject({ code: 0, noted: '' })
    expect(byFile.printed).toContain(`--keys, api_keys: allowed\n  ${id}: valid, principal bob\n`)
    const cut = [...line, '--keys', inFolder('keys.yaml')]
    expect((await runLine(cut, COMMANDS, {}, key.slice(0, -1))).printed).toContain(
      'What to change:\n  Let the client send its whole key. "with-auth keys check" reads a key.\n',
    )
    const { url } = await startProviders()
    const byUrl = await runLine(line, COMMANDS, { AUTH_ENDPOINT: `${url}/validate` }, GOOD)
    expect(byUrl.code).toBe(0)
  })
})

describe('bad input of with-auth explain', () => {
  it('a service that hangs: no decision within the deadline of the file', async () => {
    const { port } = await startService(() => undefined)
    const found = await explain(`endpoint: http://127.0.0.1:${port}/\ntimeout_ms: 200`, GOOD)
    expect(found).toMatchObject({
      exit: 3,
      code: 'timeout',
      why: 'The service did not answer in time.',
    })
    expect(found.change[0]).toBe(
      'Find out why the service is slow. A firewall that drops packets looks the same (run.yaml:3).',
    )
  })

  it('a database of keys that never answers: no decision, and no word of wrong usage', async () => {
    const server = createTcpServer((socket) => void socket.resume())
    const port = await listen(server)
    const env = { KEYS_URL: `postgres://u:s3cret@127.0.0.1:${port}/keys` }
    const line = ['explain', '--path', '/v1', '--keys', 'env:KEYS_URL']
    const { code, printed, noted } = await runLine(line, COMMANDS, env, GOOD)
    expect({ code, printed }).toEqual({ code: 3, printed: '' })
    expect(noted).toMatch(/^with-auth: --keys env:KEYS_URL: .*\n$/)
    expect(noted).not.toContain('s3cret')
    await close(server)
  })

  it('a token of 100 KB: a rejection, and no words about a length that was not read', async () => {
    const found = await explain(RULES, 'a'.repeat(100_000), ['--path', '/v1/x'])
    expect(found).toMatchObject({
      exit: 1,
      code: 'malformed_credentials',
      detail: 'too_long',
      warnings: [],
    })
    expect(found.why).toBe('It has more than 8,192 characters, so that it was not looked at.')
  })

  it.each([
    ['two words', 'standard input must hold one token, in visible ASCII (it is not shown)'],
    ['xbearer abc', 'standard input must hold one token, in visible ASCII (it is not shown)'],
    ['Bearer abc', 'standard input must hold the token alone, without "Bearer"'],
    ['s\u00e9cret', 'standard input must hold one token, in visible ASCII (it is not shown)'],
  ])('the input %j', async (input, message) => {
    const { code, printed, noted } = await run(RULES, input)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).toBe(`with-auth: ${message}\nRun "with-auth explain --help" for help.\n`)
  })

  it('a token that a person would have to type: the command says how to give it', async () => {
    const surroundings = { ...createSurroundings(), isInputTerminal: () => true }
    const line = ['explain', '--config', inFolder('run.yaml'), '--path', '/v1']
    await run(RULES, '')
    expect(await main(line, COMMANDS, surroundings)).toBe(2)
    expect(surroundings.noted()).toContain(
      'with-auth: Give the token on standard input, as in: with-auth explain --config run.yaml --path /v1/models < token.txt. For a request without one write < /dev/null\n',
    )
  })
})
