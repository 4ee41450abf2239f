import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createKey, sqliteKeys } from '../../../src/keys.ts'
import { tellSkipped } from '../../support/installed.ts'
import { findFreePort } from '../../support/loopback.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'

/** What `with-auth check --config` says about a file without asking a service, and how it ends. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

const ofKeys = (file: string, more = ''): string =>
  `provider_config:\n  type: api_keys\n  file: ${file}\n${more}`
const DAY_MS = 86_400_000
const MAKES_IT = '    Run "with-auth keys create --keys FILE" with the file, which makes it.\n'
const MISSING =
  process.getBuiltinModule('node:sqlite') === undefined
    ? tellSkipped('node:sqlite needs Node 22.13 or later')
    : undefined

describe('keys', () => {
  it('that end soon, have ended, or can be read by others', async () => {
    const file = inFolder('keys.yaml')
    const soon = new Date(Date.now() + 13 * DAY_MS).toISOString()
    await createKey(file, { principal: 'alice' })
    const ending = await createKey(file, { principal: 'bob', expiresAt: soon })
    const late = await createKey(file, { principal: 'bob', expiresIn: '15d' })
    const ended = '2026-11-01T00:00:00Z'
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace(late.expires ?? '', ended))
    chmodSync(file, 0o644)
    const { code, printed } = await check(ofKeys(file))
    expect({ code, printed }).toEqual({
      code: 0,
      printed: `run.yaml:5: warning: Every user of this machine may read ${file} (mode 644): it has names and the hashes of keys.
    Run chmod 600 on it.
run.yaml:5: ok: ${file} has 2 keys that work.
run.yaml:5: warning: These keys end within 14 days: ${ending.id} (${soon.slice(0, 10)}).
run.yaml:5: warning: These keys have ended: ${late.id} (2026-11-01).
no errors, 3 warnings
`,
    })
    chmodSync(file, 0o640)
    expect((await check(ofKeys(file))).printed).not.toContain('mode')
    chmodSync(file, 0o666)
    expect((await check(ofKeys(file))).printed).toContain(
      `run.yaml:5: error: Every user of this machine may change ${file} (mode 666), and add keys.\n    Run chmod 600 on it.\n`,
    )
  })

  it.skipIf(MISSING !== undefined)(
    `of a SQLite file without its table, and of one without a key ${MISSING ?? ''}`,
    async () => {
      const file = inFolder('keys.db')
      writeFileSync(file, '', { mode: 0o600 })
      const { code, printed } = await check(ofKeys(file))
      expect({ code, printed }).toEqual({
        code: 1,
        printed: `run.yaml:5: error: "server.auth.provider_config.file" must be a file of keys that can be read: Cannot use ${file}: no such table: withauth_keys: sqliteKeys(file, { create: true }) makes it\n${MAKES_IT}1 error, no warnings\n`,
      })
      const store = sqliteKeys(inFolder('empty.db'), { create: true })
      await store.close?.()
      expect(await check(ofKeys(inFolder('empty.db')))).toMatchObject({
        code: 0,
        printed: `run.yaml:5: warning: ${inFolder('empty.db')} has no key that works: every caller is rejected.\nno errors, 1 warning\n`,
      })
      expect(readdirSync(inFolder('.')).filter((name) => /use|wal|shm/.test(name))).toEqual([])
    },
  )

  it('of a file that is missing or broken are said once', async () => {
    const missing = await check(ofKeys(inFolder('none.yaml')))
    expect(missing).toMatchObject({
      code: 1,
      printed: `run.yaml:5: error: "server.auth.provider_config.file" must be a file of keys that can be read: There is no file ${inFolder('none.yaml')}\n${MAKES_IT}1 error, no warnings\n`,
    })
  })
})

it('warns of http to another machine at its line, and not of the permission as well', async () => {
  const { printed } = await check(
    `endpoint: http://auth.invalid/validate
allow_insecure_http: true
cache: {}
context: { headers: [] }
store:
  url: redis://:Passw0rd-0123@store.invalid`,
    ['--timeout-ms=2000'],
  )
  expect(printed)
    .toContain(`run.yaml:3: warning: "server.auth.endpoint" leads to another machine without TLS: anyone on the network between can read tokens and change answers.
    Use https.
`)
  expect(printed)
    .toContain(`run.yaml:8: warning: The store is on another machine, and reached without TLS: anyone on the network between can read its password and stop revocations.
    Use rediss://.
`)
  expect(printed.match(/without TLS/g)).toHaveLength(2)
  expect(printed).not.toMatch(/insecure|Passw0rd/)
})

it('exits with 1 for an outage beside a mistake, and warns once of http in a provider', async () => {
  // An address of this machine that does not look like one.
  const url = `http://0.0.0.0:${await findFreePort()}/keys`
  const { code, printed } = await check(`allow_insecure_http: true
provider_config:
  type: oauth2_token
  issuer: me
  audience: my-api
  jwks: { uri: "${url}" }
route_policy:
- permit: { paths: "*" }
- forbid: { paths: /admin* }`)
  expect({ code, printed }).toEqual({
    code: 1,
    printed: `run.yaml:8: error: ${url} cannot be reached (ECONNREFUSED).
    No server listens on this host and port: is it running, and is the port right?
run.yaml:8: warning: "server.auth.provider_config.jwks.uri" leads to another machine without TLS: anyone on the network between can read tokens and change answers.
    Use https.
run.yaml:11: error: Rule 1 never decides about the paths that it names: rule 0 permits them before.
    Move it before rule 0.
2 errors, 1 warning
`,
  })
})

it('says all that is wrong in a file, each with its line', async () => {
  expect(
    await check('endpiont: https://a.example\ntimeout_ms: -1\nrealm: ${env.NO_SUCH_REALM}'),
  ).toEqual({
    code: 1,
    noted: '',
    printed: `run.yaml:3: error: Unknown option "server.auth.endpiont": did you mean "endpoint"?
run.yaml:4: error: "server.auth.timeout_ms" must be a number of milliseconds from 1 to 60000, received -1
run.yaml:5: error: "server.auth.realm": Environment variable "NO_SUCH_REALM" is not set, or empty: set it, write \${env.NO_SUCH_REALM:=default}, or \${env.NO_SUCH_REALM:+value} to leave the key out when it is not set
3 errors, no warnings
`,
  })
})

it('waits for a service, and says once that it does', async () => {
  const service = await startService(() => {
    service.answerWith(() => ({ status: 404 }))
    return { status: 503 }
  })
  const auth = `provider_config:\n  type: github_token\n  github_api_base_url: http://127.0.0.1:${service.port}\n  client_id: app\n  client_secret: s3cret-0123456789`
  const { code, noted } = await check(auth, ['--wait=5'])
  expect({ code, noted }).toEqual({
    code: 0,
    noted: `with-auth: waiting for at most 5 s: http://127.0.0.1:${service.port}/applications/app/token answered 503.\n`,
  })
})

it('takes the access_policy of an upstream that enforces it', async () => {
  const file = `access_policy: []
provider_config: { type: upstream_header, principal_header: x, trusted_proxy_cidrs: [10.0.0.1] }`
  expect(await check(file, ['--upstream-enforces-access-policy'])).toMatchObject({ code: 0 })
})
