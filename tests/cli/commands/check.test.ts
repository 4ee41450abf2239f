import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCommandLine } from '../../../src/cli/command-line.ts'
import { checkCommand, readPresentedKey } from '../../../src/cli/commands/check.ts'
import { main } from '../../../src/cli/main.ts'
import { findFreePort } from '../../support/loopback.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { TOKEN } from '../../support/token.ts'
import { startService } from '../../support/verifier-service.ts'

function check(args: readonly string[], env: Record<string, string> = {}) {
  return runLine(['check', ...args], [checkCommand], env)
}

describe('with-auth check', () => {
  it('prints a table without the key and the query, and fails if a row failed', async () => {
    const { port } = await startService(({ body }) => {
      const isGood = body.includes(`"api_key":"sk-${TOKEN}"`) && body.endsWith('}')
      return { status: isGood ? 200 : 500, json: { principal: `sk-${TOKEN}` } }
    })
    const url = `http://127.0.0.1:${port}/validate`
    const { code, printed, noted } = await check([`${url}?secret=s3`], {
      WITH_AUTH_KEY: `sk-${TOKEN}`,
    })
    expect(printed).toContain(`${url}?***\n`)
    expect(printed).toMatch(/^ {2}ok {7}good key .* allows, with principal$/m)
    expect(printed).toMatch(/^ {2}FAIL {5}bad key .* rejects: service_error$/m)
    expect(printed).toMatch(/^\d+ ok, 1 note, \d failed$/m)
    expect(printed + noted).not.toMatch(new RegExp(String.raw`sk-${TOKEN}|s3`))
    expect(code).toBe(1)
  })

  it.each([
    ['http://127.0.0.1:1/v1/KEY', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/v1/KEY.toUpperCase()', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/KEY[0..10]/v', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/KEY?k=s3', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/%6Bey-is-0123456789', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/v1/sk-12', 'http://127.0.0.1:1/…'],
    ['http://127.0.0.1:1/a/withauth_short', 'http://127.0.0.1:1/…'],
    ['https://KEY.invalid/', '(hidden because it may be a secret)'],
    ['http://127.0.0.1:1/v1/validate?k=s3', 'http://127.0.0.1:1/v1/validate?***'],
    ['http://127.0.0.1:1/?k=s3', 'http://127.0.0.1:1/?***'],
    ['http://127.0.0.1:1/a\u202Eb', String.raw`http://127.0.0.1:1/a\u202eb`],
  ])('shows %s as %s', async (template, shown) => {
    const key = 'key-is-0123456789'
    const url = template
      .replace('KEY.toUpperCase()', key.toUpperCase())
      .replace('KEY[0..10]', key.slice(0, 10))
      .replace('KEY', key)
    const env = { WITH_AUTH_KEY: key }
    const { printed } = await check([url, '--timeout-ms=500'], env)
    const json = await check([url, '--timeout-ms=500', '--json'], env)
    expect(printed.split('\n')[0]).toBe(shown)
    expect(JSON.parse(json.printed)).toMatchObject({ endpoint: shown })
    expect((printed + json.printed).toLowerCase()).not.toMatch(/key-is-0|withauth_short/)
  })

  it('prints JSON with the rows that were not asked', async () => {
    const { code, printed } = await check(['http://127.0.0.1:1/x', '--json', '--timeout-ms=500'])
    const report = JSON.parse(printed) as { endpoint: string; ok: boolean; rows: unknown[] }
    expect(Object.keys(report)).toEqual(['endpoint', 'ok', 'rows'])
    expect(report).toMatchObject({ endpoint: 'http://127.0.0.1:1/x', ok: false })
    expect(report.rows).toHaveLength(13)
    expect(report.rows.at(-1)).toMatchObject({
      result: 'skipped',
      did: 'not asked: fetch blocks this port (BAD_PORT)',
    })
    expect(code).toBe(1)
  })

  it('explains an unreachable endpoint once, with advice', async () => {
    const url = `http://127.0.0.1:${await findFreePort()}/`
    const { code, printed } = await check([url], { WITH_AUTH_KEY: `sk-${TOKEN}` })
    expect({ code, printed }).toEqual({
      code: 1,
      printed: `${url}

           CHECK            WHAT IT DID                WHAT WITH-AUTH DOES
  FAIL     good key         no answer: ECONNREFUSED    rejects: unreachable
           -> start the endpoint, or correct the host and the port of URL

Stopped: nothing listens there (ECONNREFUSED).
0 ok, 1 failed, 12 skipped
`,
    })
  })

  it('uses colors only on a terminal', async () => {
    const surroundings = createSurroundings({}, '', { isTerminal: true, colors: true })
    await main(['check', 'http://127.0.0.1:1/'], [checkCommand], surroundings)
    expect(surroundings.printed()).toContain('\u{1b}[31mFAIL\u{1b}[0m')
    expect((await check(['http://127.0.0.1:1/'])).printed).not.toContain('\u{1b}')
  })

  it.each([
    [
      'sk-s3cret-https://a.example',
      'URL must begin with https:// or http://: it is an auth endpoint. For the providers of a run.yaml give --config FILE',
    ],
    [
      'https://user:s3cret@auth.example.com/',
      'URL must be a URL without user or password (use WITH_AUTH_ENDPOINT_SECRET), received "***@auth.example.com/"',
    ],
    [
      'http://auth.example.com/?k=s3cret',
      'URL must be an https URL (http only on loopback, or with --allow-insecure-http), received "http://auth.example.com/…"',
    ],
  ])('reports only the error for %s', async (url, message) => {
    const noted = `with-auth: ${message}\nRun "with-auth check --help" for help.\n`
    expect(await check([url])).toEqual({ code: 2, printed: '', noted })
  })

  it.each([
    ['http://127.0.0.1:1/', '--timeout-ms=1'],
    ['HTTP://127.0.0.1:1/', '--timeout-ms=60000'],
    ['http://0.0.0.0:1/', '--allow-insecure-http'],
  ])('asks %s with %s', async (url, option) => {
    const { code, printed, noted } = await check([url, option])
    expect({ code, noted }).toEqual({ code: 1, noted: '' })
    expect(printed).toMatch(/^0 ok, 1 failed, 12 skipped$/m)
  })
})

const inFolder = setupFolder()

function read(args: string[], env: Record<string, string> = {}) {
  return readPresentedKey(readCommandLine(args, checkCommand.options), { env })
}

it('reads the key from --key-file before WITH_AUTH_KEY', async () => {
  const file = inFolder('key')
  writeFileSync(file, 'sk-file\n')
  expect(await read([])).toBeUndefined()
  expect(await read([], { WITH_AUTH_KEY: 'sk-env' })).toBe('sk-env')
  expect(await read(['--key-file', file], { WITH_AUTH_KEY: 'sk-env' })).toBe('sk-file')
})

it('stops reading an endless file', async () => {
  await expect(read(['--key-file', '/dev/zero'])).rejects.toThrow(/^--key-file must hold one key/)
})

it.each(['', ' ', 'two keys', 'sk-é', 'a\nb', 'x'.repeat(8193)])(
  'rejects an invalid key without showing it: %j',
  async (key) => {
    await expect(read([], { WITH_AUTH_KEY: key })).rejects.toThrow(
      /^WITH_AUTH_KEY must hold one key, in visible ASCII \(it is not shown\)$/,
    )
  },
)
