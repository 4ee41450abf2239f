import { afterEach, describe, expect, it, vi } from 'vitest'
import { attempt, describeFailure } from '../../../src/cli/check/ask.ts'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { createKey } from '../../../src/keys.ts'
import { keyOf } from '../../support/issuer.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { Answer } from '../../support/verifier-service.ts'

/** What `with-auth check --config` says of services that give no verdict, are slow, or stand beside others. */

const inFolder = setupFolder()
const check = createCheck(inFolder)
const { jwk } = await keyOf('ES256', 'a')

afterEach(() => {
  vi.useRealTimers()
})

const GITHUB = `provider_config:
  type: github_token
  github_api_base_url: URL
  client_id: app
  client_secret: s3cret-0123456789
  claims_mapping: { organizations: teams }`
const ofKeySet = (path: string): string =>
  `{ type: oauth2_token, issuer: ${path}, audience: a, jwks: { uri: "URL/${path}" } }`

/** Checks a file about a service. In the file and in what is said, URL is where the service is. */
async function checkAt(answer: Answer, file: string, args: readonly string[] = [], key?: string) {
  const service = await startService(answer)
  const url = `http://127.0.0.1:${service.port}`
  const env = key === undefined ? {} : { WITH_AUTH_KEY: key }
  const { code, printed } = await check(file.replaceAll('URL', url), args, env)
  return { code, says: printed.replaceAll(url, 'URL').replaceAll(/^run\.yaml:/gm, '') }
}

const hang: Answer = () => undefined
/** Answers after 30 ms, which is more than the file gives a check. */
const late =
  (status: number, json: object): Answer =>
  (_, response) => {
    setTimeout(() => response.writeHead(status).end(JSON.stringify(json)), 30)
    return undefined
  }

describe('a service', () => {
  it.each<[name: string, Answer, exit: number, says: string]>([
    [
      'an error of its own',
      () => ({ status: 500 }),
      3,
      'URL/applications/app/token answered 500.\n    Look at the log of the service.',
    ],
    [
      'a body that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{')
        setTimeout(() => response.destroy(), 5)
        return undefined
      },
      3,
      'URL/applications/app/token cannot be reached.\n    Is the service running, and does this machine reach it?',
    ],
    [
      'the answer of another service',
      () => ({ json: {} }),
      1,
      'GitHub answered about the app "nothing", "clientId" is "app".',
    ],
  ])('that gives %s', async (_, answer, exit, says) => {
    const found = await checkAt(answer, GITHUB)
    expect(found).toEqual({ code: exit, says: `3: error: ${says}\n1 error, no warnings\n` })
  })

  it('that is asked each time is told to be slow', async () => {
    const { code, says } = await checkAt(late(404, {}), `${GITHUB}\ntimeout_ms: 5`)
    expect(code).toBe(0)
    expect(says).toMatch(
      /^9: warning: URL\/applications\/app\/token took \d+ ms, and a check has 5 ms/m,
    )
  })

  it('whose keys are fetched at times is not told to be slow', async () => {
    const file = `provider_config: ${ofKeySet('a')}\ntimeout_ms: 5`
    expect(await checkAt(late(200, { keys: [jwk] }), file)).toEqual({
      code: 0,
      says: '3: ok: URL/a has 1 key for signatures: ES256.\nno errors, no warnings\n',
    })
  })

  it('that hangs is not told to be slow as well', async () => {
    const found = await checkAt(hang, `${GITHUB}\ntimeout_ms: 5`, ['--timeout-ms=100'])
    expect(found).toEqual({
      code: 3,
      says: `3: error: URL/applications/app/token did not answer within 100 ms.
    Find out why the service is slow. A firewall that drops packets looks the same.
1 error, no warnings
`,
    })
  })

  it('that hangs for longer than its provider waits: names no time', () => {
    const asked = { failure: new AuthUnavailableError('timeout'), isCut: false, warnings: [] }
    const call = { method: 'GET', url: 'https://a.example/keys', startedAt: 0, text: '' }
    const { says } = describeFailure({ line: 1, key: 'k' }, asked, { calls: [call] }, 60_000)
    expect(says).toBe('https://a.example/keys did not answer in time.')
  })
})

it('tells of each provider at its line', async () => {
  const [one, two] = [inFolder('one.yaml'), inFolder('two.yaml')]
  await createKey(one, { principal: 'a' })
  await createKey(two, { principal: 'b' })
  await createKey(two, { principal: 'c' })
  const file = `providers:
- ${ofKeySet('a')}
- { type: api_keys, file: ${one} }
- { type: api_keys, file: ${two} }
- ${ofKeySet('b')}`
  expect(await checkAt(() => ({ json: { keys: [jwk] } }), file)).toEqual({
    code: 0,
    says: `4: ok: URL/a has 1 key for signatures: ES256.
5: ok: ${one} has 1 key that works.
6: ok: ${two} has 2 keys that work.
7: ok: URL/b has 1 key for signatures: ES256.
no errors, no warnings
`,
  })
})

const KEY = 'sk-0123456789'
const LIMIT = { 'cache-control': 'max-age=30' }
const ADVICE =
  'Answer {"principal": "...", "attributes": {"...": ["..."]}} to name the owner of the key.'

/** An endpoint without a fault, but for how it names the owner of the key and what it answers to a broken body. */
const endpoint =
  (json: object, onBroken: number): Answer =>
  ({ body }) => {
    if (body.startsWith('{') && !body.endsWith('}')) return { status: onBroken, headers: LIMIT }
    const isGood = body.includes(`"api_key":"${KEY}"`)
    return isGood ? { headers: LIMIT, json } : { status: 401, headers: LIMIT }
  }

describe('an auth endpoint', () => {
  it.each<[name: string, Answer, file: string, exit: number, says: string]>([
    [
      'that names nobody, where nobody must be named',
      endpoint({ attributes: {} }, 400),
      'endpoint: URL/',
      0,
      `warning: identity: names no principal; with-auth allows, no principal.\n    ${ADVICE}`,
    ],
    [
      'that names nobody, as a provider',
      endpoint({ attributes: {} }, 400),
      'providers: [{ type: custom, endpoint: URL/ }]',
      1,
      `error: identity: names no principal; with-auth rejects the key, since a principal is required.\n    ${ADVICE}`,
    ],
    [
      'that fails on a broken body',
      endpoint({ principal: 'a' }, 500),
      'endpoint: URL/',
      1,
      'error: malformed JSON: 500 in 0 ms; with-auth never sends this.\n    Answer 400 to truncated JSON, and do not fail on it.',
    ],
  ])('%s', async (_, answer, file, exit, says) => {
    // On a busy machine the endpoint would count as slow.
    vi.useFakeTimers({ toFake: ['performance'] })
    const found = await checkAt(answer, file, [], KEY)
    const count = exit === 0 ? 'no errors, 1 warning' : '1 error, no warnings'
    expect(found).toEqual({
      code: exit,
      says: `3: ok: URL/ passed 12 of 13 checks.\n3: ${says}\n${count}\n`,
    })
  })
})

describe('a question', () => {
  it('leaves no timer, which would keep the process alive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    expect(await attempt(60_000, async () => ({ verdict: 1 }))).toEqual({ verdict: 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never rejects, whatever is thrown', async () => {
    const found = await attempt(60_000, () => Promise.reject(new TypeError('a mistake')))
    expect(found).toMatchObject({ failure: { reason: 'unreachable' }, isCut: false })
  })
})
