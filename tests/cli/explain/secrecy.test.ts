import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { holdsPart } from '../../../src/core/endpoint/identity-faults.ts'
import { goodClaims, keyOf, sign } from '../../support/issuer.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import { createExplain } from '../support/explained.ts'

/** A token, a service and a command line may hold anything. The screen shows neither secrets nor characters that a terminal obeys. */

const inFolder = setupFolder()
const { run } = createExplain(inFolder)
const check = createCheck(inFolder)

const OWN = {
  client: 'Cl13nt-s3cret-9f2c',
  header: 'H3ader-s3cret-77aa',
  short: 'pw-42',
  keys: 'K3ys-t0ken-51bd',
  reviewer: 'R3viewer-t0ken-e0c4',
}

const FILES: Readonly<Record<string, (url: string) => string>> = {
  endpoint: (url) => `endpoint: ${url}/a\nendpoint_headers: { x-auth-secret: ${OWN.header} }`,
  custom: (url) =>
    `providers: [{ type: custom, endpoint: "${url}/a", endpoint_headers: { x-auth-secret: ${OWN.header} } }]`,
  introspection: (url) =>
    `provider_config: { type: oauth2_token, introspection: { url: "${url}/a", client_id: my-api, client_secret: ${OWN.client} } }`,
  'introspection by the body': (url) =>
    `provider_config: { type: oauth2_token, introspection: { url: "${url}/a", client_id: my-api, client_secret: ${OWN.client}, send_secret_in_body: true } }`,
  'introspection by a short secret': (url) =>
    `provider_config: { type: oauth2_token, introspection: { url: "${url}/a", client_id: my-api, client_secret: ${OWN.short} } }`,
  jwt: (url) =>
    `provider_config: { type: oauth2_token, issuer: me, audience: my-api, jwks: { uri: "${url}/a", token: ${OWN.keys} } }`,
  kubernetes: (url) =>
    `provider_config: { type: kubernetes, api_server_url: "${url}", audiences: my-api, reviewer_token_file: "${inFolder('reviewer')}" }`,
  'github app': (url) =>
    `provider_config: { type: github_token, github_api_base_url: "${url}", client_id: app, client_secret: ${OWN.client} }`,
}

/** A secret in the forms that a service may give it back in, also as a part of more. */
const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret)
  const within = ['', 'x', 'xy'].map((before) => Buffer.from(`${before}${secret}:z`))
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').replaceAll(/../g, '%$&'),
    ...within.map((one) => one.toString('base64')),
  ]
}

/** The texts that a hostile service or token has in every place. */
const hostileTexts = (secrets: readonly string[]): readonly string[] => [
  ...secrets,
  ...secrets.map((secret) => `${'x'.repeat(95)}${secret}`),
  ...secrets.map((secret) => `a ${secret.toUpperCase()} b`),
  '\u001b[2J\u001b]0;title\u0007',
  'a\r\nWhy: The token is good.',
  '\u202eevil\u2066',
  '"'.repeat(200),
]

const bodyOf = (text: string): object => ({
  active: false,
  error: text,
  error_description: text,
  iss: text,
  aud: [text, text],
  client_id: text,
  username: text,
  sub: text,
  scope: text,
  status: { authenticated: false, error: text, audiences: [text], user: { username: text } },
  reason: text,
  message: text,
  login: text,
  user: { login: text },
  app: { client_id: text },
  principal: text,
  attributes: { roles: [text], [text]: [text] },
  keys: [{ kty: 'RSA', kid: text, alg: text }],
})

/** The secrets that a file holds or names. */
function secretsOf(name: string): readonly string[] {
  const file = FILES[name]?.('') ?? ''
  return Object.values(OWN).filter(
    (one) => file.includes(one) || (one === OWN.reviewer && name === 'kubernetes'),
  )
}

/** A finding, its advice, or the last line. */
const LINE = /^(?:run\.yaml:\d+: (?:ok|warning|error): | {4}\S|(?:\d+|no) errors?, )/

const OBEYED = /(?!\n)[\p{Cc}\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/u

describe.each(Object.entries(FILES))('a hostile service: %s', (name, fileOf) => {
  it.each([200, 403])('that answers %i', async (status) => {
    writeFileSync(inFolder('reviewer'), OWN.reviewer)
    const token = name === 'github app' ? `gho_${'Z9x8'.repeat(9)}` : 'T0ken-Of-The-Caller-4242'
    const secrets = [token, ...secretsOf(name)]
    const found: string[] = []
    let text = ''
    const service = await startService(() => ({ status, json: bodyOf(text) }))
    const auth = fileOf(`http://127.0.0.1:${service.port}`)
    const forms = secrets.flatMap(formsOf)
    const judge = (shown: string): void => {
      found.push(...forms.filter((form) => shown.toLowerCase().includes(form.toLowerCase())))
      if (OBEYED.test(shown)) found.push(JSON.stringify(OBEYED.exec(shown)?.[0]))
    }
    for (text of hostileTexts(secrets)) {
      const { printed } = await run(auth, token)
      judge(printed)
      if (printed.split('\n').filter((line) => line.startsWith('Why: ')).length !== 1)
        found.push(printed)
    }
    // Secrets are hidden before they are written in either way, and JSON has all that was found.
    for (text of [...hostileTexts(secrets), ...(status === 200 ? forms : [])]) {
      judge((await run(auth, token, ['--json'])).printed)
    }
    expect(found).toEqual([])
  })

  it.each([
    [200, []],
    [401, ['--json']],
  ])('that answers %i to `with-auth check --config`', async (status, args) => {
    writeFileSync(inFolder('reviewer'), OWN.reviewer)
    const found: string[] = []
    let text = ''
    const service = await startService(() => ({ status, json: bodyOf(text) }))
    for (text of hostileTexts(secretsOf(name))) {
      const { printed, noted } = await check(fileOf(`http://127.0.0.1:${service.port}`), args)
      const shown = (printed + noted).toLowerCase()
      found.push(...secretsOf(name).filter((secret) => shown.includes(secret.toLowerCase())))
      if (OBEYED.test(shown)) found.push(printed)
      const isText = args.length === 0
      if (
        isText &&
        !printed
          .trimEnd()
          .split('\n')
          .every((line) => LINE.test(line))
      )
        found.push(printed)
    }
    expect(found).toEqual([])
  })
})

it('hides what a token says of itself, if a terminal would obey it, and never shows the token', async () => {
  const key = await keyOf('ES256', 'a')
  const service = await startService(() => ({ json: { keys: [key.jwk] } }))
  const file = FILES['jwt']?.(`http://127.0.0.1:${service.port}`) ?? ''
  const found: unknown[] = []
  const all = hostileTexts([OWN.client]).flatMap((text) => [
    { kid: text, iss: text },
    { kid: text, aud: text },
    { kid: text, azp: text },
    { kid: text, cnf: { jkt: text } },
    { kid: text, sub: text, iss: 'me', aud: 'my-api' },
    { kid: text, exp: text },
    { kid: text, exp: 1e300, nbf: -1e300 },
  ])
  for (const { kid, ...claims } of all) {
    const token = await sign(key, goodClaims(claims), { kid })
    const { printed, noted } = await run(file, token)
    const shown = printed + noted
    const lines = shown.split('\n')
    const [, , signature = ''] = token.split('.')
    const isShown = token.split('.').some((part) => shown.includes(part))
    const isPartShown = lines.some((line) => holdsPart(line, signature))
    const isForged = lines.filter((line) => line.startsWith('Why: ')).length !== 1
    if (OBEYED.test(shown) || isShown || isPartShown || isForged) found.push(claims)
  }
  expect(found).toEqual([])
})

it('gives no role and no scope of a caller a line of its own, and cuts it', async () => {
  const forged = `user\nWhy: The token is good.\n${'x'.repeat(200)}`
  const json = { principal: 'a', attributes: { roles: [forged] } }
  const service = await startService(() => ({ json }))
  const file = `endpoint: http://127.0.0.1:${service.port}/a
route_policy: [{ permit: { paths: "*" }, when: user with admin in roles }]`
  const resource = `resource:
  identifier: https://api.example.com/
  authorization_servers: [https://login.example.com]
  require: [read]`
  const as = ['--as', JSON.stringify({ scopes: [forged] })]
  const byRole = await run(file, 'T0ken-Of-The-Caller-4242')
  const byScope = await run(`${file}\n${resource}`, '', as)
  const shown = String.raw`"user\nWhy: The token is good.\n${'x'.repeat(71)}"…`
  expect(byRole.printed).toContain(`since the caller has roles: ${shown}\n`)
  expect(byScope.printed).toContain(`Why: The token lacks the scope read. It has ${shown}.\n`)
  for (const { printed } of [byRole, byScope]) expect(printed.match(/^Why: /gm)).toHaveLength(1)
})

it.each(['providers', 'why', 'asked', 'path', 'denied'])(
  'the token "%s", which is also a word of the command, hides no member',
  async (token) => {
    const service = await startService(() => ({ status: 403, json: {} }))
    const { printed, code } = await run(`endpoint: http://127.0.0.1:${service.port}/a`, token)
    expect(code).toBe(1)
    expect(printed).toContain(`  POST http://127.0.0.1:${service.port}/a: 403 after `)
  },
)
