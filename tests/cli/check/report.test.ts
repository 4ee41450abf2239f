import { writeFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { repeat } from '../../../src/cli/check/report.ts'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { findFreePort } from '../../support/loopback.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { Finding } from '../../../src/cli/check/finding.ts'

/** How `with-auth check --config` prints what it found, what it never prints, and how long it tries. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

afterEach(() => {
  vi.useRealTimers()
})

/** On a busy machine an endpoint of a test would count as slow. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['performance'] })
}

/** An endpoint that denies each token, a store that is gone, and a rule in vain. */
async function startParts() {
  stopClock()
  const [service, port] = [await startService(() => ({ status: 401 })), await findFreePort()]
  const url = `http://127.0.0.1:${service.port}/`
  const auth = `endpoint: ${url}
context: { headers: [] }
cache: { allow_ttl_ms: 1000 }
store:
  prefix: "p:"
  url: redis://127.0.0.1:${port}
route_policy:
- forbid: { paths: "*" }
- permit: { paths: "/a\\nb" }`
  return { auth, url }
}

const MISSING = 'The others need a valid key: set WITH_AUTH_KEY, or give --key-file.'
const SILENT = {
  says: 'Cache-Control: says nothing; with-auth obeys the option "cache".',
  change: 'Send "Cache-Control: max-age=30" to limit how long a decision is cached.',
}
const GONE = {
  says: 'The store cannot be reached (ECONNREFUSED).',
  change: 'No server listens on this host and port: is it running, and is the port right?',
}
const IN_VAIN = {
  says: 'Rule 1 never decides about the paths that it names: rule 0 forbids them before.',
  change: 'Move it before rule 0.',
}
const TO_ALL =
  'Rule 1 permits /a\nb to every caller, and a request without a token gets 401: "public" does not have the path.'

it('prints everything as JSON', async () => {
  const { auth, url } = await startParts()
  const { code, printed } = await check(auth, ['--json'])
  expect(code).toBe(1)
  const ofEndpoint = { line: 3, key: 'server.auth.endpoint', outage: false }
  const ofRule = { line: 11, key: 'server.auth.route_policy[1]', outage: false }
  expect(JSON.parse(printed)).toEqual({
    file: inFolder('run.yaml'),
    ok: false,
    findings: [
      { level: 'ok', ...ofEndpoint, says: `${url} passed 8 of 13 checks. ${MISSING}` },
      { level: 'warning', ...ofEndpoint, ...SILENT },
      { level: 'error', line: 8, key: 'server.auth.store.url', ...GONE, outage: true },
      { level: 'error', ...ofRule, ...IN_VAIN },
      { level: 'ok', ...ofRule, says: TO_ALL },
    ],
  })
})

it('prints the levels in color on a terminal, and no line break of the file', async () => {
  const { auth, url } = await startParts()
  writeFileSync(inFolder('run.yaml'), `server:\n  auth:\n${auth.replace(/^/gm, '    ')}\n`)
  const surroundings = createSurroundings({}, '', { isTerminal: true, colors: true })
  await main(['check', '--config', inFolder('run.yaml')], COMMANDS, surroundings)
  const color = (number: number, level: string): string => `\u{1b}[${number}m${level}\u{1b}[0m`
  const [ok, warning, error] = [color(32, 'ok'), color(33, 'warning'), color(31, 'error')]
  expect(surroundings.printed()).toBe(`run.yaml:3: ${ok}: ${url} passed 8 of 13 checks. ${MISSING}
run.yaml:3: ${warning}: ${SILENT.says}
    ${SILENT.change}
run.yaml:8: ${error}: ${GONE.says}
    ${GONE.change}
run.yaml:11: ${error}: ${IN_VAIN.says}
    ${IN_VAIN.change}
run.yaml:11: ${ok}: ${TO_ALL.replace('\n', String.raw`\n`)}
2 errors, 1 warning
`)
})

const SECRET = 'S3cret-0123456789-0123456789-of-it'
const NOWHERE = 'http://127.0.0.1:1/'
const SHARED = `context: { headers: [] }\ncache: {}\nendpoint: ${NOWHERE}\nstore: { url:`

it.each([
  ['header of the endpoint', `endpoint: ${NOWHERE}\nendpoint_headers: { x-key: ${SECRET} }`],
  [
    'header of a provider',
    `providers: [{ type: custom, endpoint: "${NOWHERE}", endpoint_headers: { x-key: ${SECRET} } }]`,
  ],
  ['password of the store', `${SHARED} "redis://app:${SECRET}@127.0.0.1:1" }`],
  [
    'secret of the store',
    `${SHARED} "redis://127.0.0.1:1", share_verdicts: true, secret: ${SECRET} }`,
  ],
  ['key of WITH_AUTH_KEY', `endpoint: ${NOWHERE}`],
])('never prints the %s, wherever the file repeats it', async (what, auth) => {
  const rule = `route_policy: [{ permit: { paths: /${SECRET} } }]`
  const env = what.includes('KEY') ? { WITH_AUTH_KEY: SECRET } : {}
  const { printed } = await check(`${auth}\n${rule}`, ['--timeout-ms=1000'], env)
  expect(printed).not.toContain(SECRET)
  expect(printed).toMatch(/^run\.yaml:\d: ok: \(hidden: it may hold a secret\)$/m)
})

it('never prints a secret in what to do', async () => {
  const file = inFolder('keys.yaml')
  await createKey(file, { principal: 'a', attributes: { [SECRET]: ['a'] } })
  const { printed } = await check(
    `provider_config: { type: api_keys, file: ${file} }
route_policy: [{ permit: { paths: /a }, when: user with a in teams }]`,
    [],
    { WITH_AUTH_KEY: SECRET },
  )
  expect(printed).toBe(`run.yaml:3: ok: ${file} has 1 key that works.
run.yaml:4: warning: Rule 0 asks for the attribute "teams", which no caller has: it never applies.
    (hidden: it may hold a secret)
no errors, 1 warning
`)
})

const DOWN: Finding = { level: 'error', line: 1, key: 'k', says: 'It is down.', isOutage: true }

it('checks again after 1, 2, 4 and 8 seconds, then every 8, and a last time at the end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const times: number[] = []
  const noted: string[] = []
  const checkAt = async (): Promise<readonly Finding[]> => {
    times.push(Math.round(performance.now() / 1000))
    return [DOWN]
  }
  const found = repeat(checkAt, 33_000, (text) => void noted.push(text))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await found).toEqual([DOWN])
  expect(times).toEqual([0, 1, 3, 7, 15, 23, 31, 33])
  expect(noted).toEqual(['with-auth: waiting for at most 33 s: It is down.\n'])
})

it('ends at once if all is well, and does not mention waiting', async () => {
  const { auth } = await startParts()
  const [good] = auth.split('\n')
  expect(await check(String(good), ['--wait=60'])).toMatchObject({ code: 0, noted: '' })
})
