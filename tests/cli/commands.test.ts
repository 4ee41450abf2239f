import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMON_OPTIONS, readCommandLine } from '../../src/cli/command-line.ts'
import { COMMANDS } from '../../src/cli/main.ts'
import { createKey } from '../../src/keys.ts'
import { runLine } from '../support/surroundings.ts'

const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'
const firstWord = (name: string): string => name.split(' ')[0] ?? ''
const NAMES = COMMANDS.map(({ name }) => name)
const GROUPS = [...new Set(NAMES.filter((name) => name.includes(' ')).map(firstWord))]

const folder = mkdtempSync(join(tmpdir(), 'with-auth-'))
const inFolder = (name: string): string => join(folder, name)
beforeAll(() => createKey(inFolder('keys.yaml'), { principal: 'alice' }))
afterAll(() => rmSync(folder, { recursive: true }))

function run(args: readonly string[], env: Record<string, string> = {}) {
  return runLine(args, COMMANDS, env)
}

function specsOf(command: string) {
  return COMMANDS.find(({ name }) => name === command)?.options ?? {}
}

describe.each(['', ...GROUPS, ...NAMES])('with-auth %s --help', (name) => {
  const words = name.split(' ').filter((word) => word !== '')
  const help = async () => (await run([...words, '--help'])).printed

  it('fits in 80 columns', async () => {
    const lines = (await help()).split('\n')
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.filter((line) => line.length > 80 || line.endsWith(' '))).toEqual([])
  })

  it('equals the output of "with-auth help"', async () => {
    expect(await run(['help', ...words])).toEqual({ code: 0, printed: await help(), noted: '' })
    expect(await run([...words, '-h'])).toEqual({ code: 0, printed: await help(), noted: '' })
  })
})

describe.each(COMMANDS)('the help of $name', ({ name, options, examples }) => {
  it.each(examples)('has a working example: %s', (example) => {
    const [, ...args] = /^with-auth [^>|&<]+/.exec(example)?.[0].trim().split(/\s+/) ?? []
    const words = name.split(' ')
    expect(args.slice(0, words.length)).toEqual(words)
    const line = readCommandLine(args.slice(words.length), { ...options, ...COMMON_OPTIONS })
    expect(line.has('help')).toBe(false)
  })
})

interface WrongValue {
  readonly value: string
  /** The text in the error. Default: the value. */
  readonly shown?: string
  readonly code?: 1
}

const file = (value: string) => ({ value, code: 1 as const })
const hidden = (value: string) => ({ value, shown: 'its value is not shown' })
type Rows = Readonly<Record<string, readonly WrongValue[]>>

/** Rejected values for an option of several commands. */
const OF_SEVERAL: Rows = {
  keys: [file('missing.yaml')],
  config: [file('missing.yaml')],
  public: [{ value: '/*' }, { value: 'v1' }, { value: '/a/../b' }],
  preflight: [{ value: 'soon' }],
  realm: [{ value: 'a\u0001b', shown: String.raw`"a\u0001b"` }],
  credentials: [hidden('soon'), hidden('header:a b')],
  host: ['two words', 'http://h', 'a_b', 'a-', '[::1]', 'h:80'].map((value) => ({ value })),
  port: [{ value: 'abc' }, { value: '65536' }, { value: '1e3' }],
  'keep-alive-ms': [{ value: '0' }, { value: 'soon' }, { value: '3600001' }],
  metrics: ['9320', '::1:9320', '[localhost]:9320', 'http://h:1', '127.0.0.1:65536'].map(
    (value) => ({ value }),
  ),
  'watch-socket': ['0.0.0.0:9330', 'localhost:9330', '127.0.0.1:', ':9330', '127.0.0.1:99999'].map(
    (value) => ({ value }),
  ),
  principal: [{ value: 'a\u0001b', shown: String.raw`"a\u0001b"` }],
  'expires-in': [{ value: 'soon' }, { value: '0d' }, { value: '0' }, { value: '999999w' }],
  'expires-at': [{ value: 'soon' }, { value: '2020-01-01' }, { value: '2030-02-30' }],
}

/** Rejected values for an option of one command. A new option needs a row. */
const WRONG_VALUES: Readonly<Record<string, Rows>> = {
  gateway: {
    upstream: [
      { value: 'not-a-url' },
      { value: 'ftp://h' },
      { value: 'http://api.example.com/v1', shown: '"http://api.example.com/…"' },
      hidden('http://user:s3cret@h/'),
      hidden('http://h/?key=s3cret'),
    ],
    keys: [file('missing.yaml'), file('./')],
    'cors-origin': ['*', 'null', 'a.example', 'https://a.b/', 'ftp://a'].map((value) => ({
      value,
      shown: `an origin as browsers send it, such as https://app.example.com, without a path, received "${value}"`,
    })),
    'request-id-header': [{ value: 'two words' }, { value: 'x:' }],
    'upstream-timeout-ms': [{ value: '0' }, { value: '3600001' }],
    'identity-encoding': [{ value: 'latin1', shown: 'percent or utf-8, received "latin1"' }],
    'strip-header': [{ value: 'a b' }, { value: '*' }],
    'public-origin': [
      { value: 'x' },
      { value: 'https://api.example.com/v1', shown: '"https://api.example.com/…"' },
      hidden('https://user:s3cret@h'),
      hidden('https://h/?key=s3cret'),
    ],
    'trusted-proxy': [
      { value: '10.0.0.0/33', shown: 'an address or a network such as 10.0.0.0/8, received "1' },
      { value: '0.0.0.0/0', shown: 'the network of your proxies, not every network, received "0' },
      { value: '::ffff:0:0/96' },
      { value: 'proxy' },
    ],
  },
  'forward-auth': { for: [{ value: 'envoy' }, { value: 'nginx,caddy' }] },
  'keys create': {
    keys: [file('missing/keys.yaml')],
    name: [hidden('a\u0001b'), hidden('x'.repeat(101))],
    tenant: [{ value: 'Acme' }],
    attribute: [{ value: 'roles' }, { value: '=admin' }, { value: '=a=b' }],
    path: [{ value: '/v1/*' }, { value: 'v1' }, { value: '/v1//' }, { value: '/a b' }],
  },
  'keys list': {
    after: [{ value: 'two words' }],
    limit: [{ value: '0' }, { value: '1001' }, { value: 'all' }],
  },
  'keys rotate': { overlap: [{ value: 'soon' }, { value: '0h' }, { value: '999999w' }] },
  'keys prune': { older: [{ value: 'soon' }, { value: '90' }] },
  'keys import': {
    keys: [
      file('missing/keys.db'),
      { value: 'keys.yaml' },
      { value: 'postgres://a:s3cret@h/d', shown: 'give env:NAME' },
      { value: 'env:', shown: 'not shown' },
      { value: 'env:UNSET', shown: 'env:UNSET: this variable is not set' },
    ],
  },
  console: { watch: [{ value: '0.0.0.0:9330' }] },
  endpoint: { 'max-age': [{ value: 'soon' }, { value: '3601' }, { value: '1.5' }] },
  check: {
    'key-file': [file('missing.txt'), file('./')],
    'timeout-ms': ['0', '60001', 'soon', '1.5', '+5', '5000 '].map((value) => ({ value })),
    config: [{ value: 'missing.yaml', shown: 'missing.yaml' }],
    wait: [{ value: '0' }, { value: '3601' }, { value: 'soon' }],
  },
  explain: {
    path: [{ value: 'v1' }, { value: '//v1' }, { value: '/a/../b' }],
    method: [{ value: 'trace' }, { value: 'TRACE' }],
    header: [{ value: 'x-tenant', shown: 'it is not shown' }],
    'client-address': [{ value: 'localhost' }],
    as: ['{', '[]', '"alice"', '{"name":"alice"}', '{"attributes":{"roles":7}}'].map(hidden),
    config: [{ value: 'missing.yaml', shown: 'missing.yaml' }],
    keys: [{ value: 'missing.yaml', shown: 'missing.yaml' }],
  },
  init: { for: [{ value: 'nobody' }] },
  revoke: {
    sha256: [hidden('abc'), hidden('0'.repeat(65))],
    'timeout-ms': [{ value: '0' }, { value: 'soon' }],
  },
}

const rowsOf = (command: string, option: string): readonly WrongValue[] =>
  WRONG_VALUES[command]?.[option] ?? OF_SEVERAL[option] ?? []

/** A working command line without one option. */
function lineWithout(command: string, option: string): readonly string[] {
  const keys = ['--keys', inFolder('keys.yaml')]
  const lines: Readonly<Record<string, readonly (readonly string[])[]>> = {
    gateway: [['--upstream', 'http://127.0.0.1:9'], option === 'config' ? [] : keys, ['--port=0']],
    'forward-auth': [['--for', 'nginx'], option === 'config' ? [] : keys, ['--port=0']],
    'keys create': [keys, ['--principal', 'bob']],
    'keys list': [keys],
    'keys revoke': [keys, option === 'principal' ? [] : ['key_x']],
    'keys rotate': [keys, ['key_x']],
    'keys remove': [keys, ['key_x']],
    'keys prune': [keys, ['--older', '90d']],
    'keys import': [[inFolder('keys.yaml')], keys],
    'keys show': [keys, ['key_x']],
    'keys check': [['-'], keys],
    'keys export': [keys],
    endpoint: [keys, ['--port=0']],
    console: [keys, ['--port=0']],
    check: [option === 'config' ? [] : ['--config', 'run.yaml']],
    explain: [option === 'config' ? [] : keys, ['--path', '/v1']],
    revoke: [['--config', 'run.yaml'], option === 'sha256' ? [] : ['--all']],
  }
  const parts = lines[command] ?? []
  return [
    ...command.split(' '),
    ...parts.filter(([name]) => !name?.startsWith(`--${option}`)).flat(),
  ]
}

const OPTIONS = COMMANDS.flatMap(({ name, options }) =>
  Object.keys(options)
    .filter((option) => options[option]?.value !== undefined)
    .map((option) => [name, option] as const),
)
const ROWS = OPTIONS.flatMap(([command, option]) =>
  rowsOf(command, option).map((row) => [command, option, row] as const),
)

describe('a wrong value', () => {
  it('is tested for each option with a value, and for no other', () => {
    expect(OPTIONS.filter(([command, option]) => rowsOf(command, option).length === 0)).toEqual([])
    const named = Object.entries(WRONG_VALUES).flatMap(([command, rows]) =>
      Object.keys(rows).map((option) => `${command} --${option}`),
    )
    const known = new Set(OPTIONS.map(([command, option]) => `${command} --${option}`))
    expect(named.filter((one) => !known.has(one))).toEqual([])
  })

  it.each(ROWS)('%s: the error names --%s and the value: %j', async (command, option, row) => {
    const { value, code = 2, shown = code === 1 ? value : JSON.stringify(value) } = row
    const { printed, noted, ...rest } = await run([
      ...lineWithout(command, option),
      `--${option}`,
      value,
    ])
    expect({ ...rest, printed }).toEqual({ code, printed: '' })
    const [first = '', ...advice] = noted.trim().split('\n')
    expect(first).toMatch(new RegExp(`^with-auth: --${option}\\b`))
    expect(first).toContain(shown)
    expect(noted).not.toContain('s3cret')
    expect(advice).toEqual(code === 2 ? [`Run "with-auth ${command} --help" for help.`] : [])
  })

  it.each(ROWS)('%s: the error hides a key given to --%s: %j', async (command, option, row) => {
    const args = [...lineWithout(command, option), `--${option}`, `${row.value}${KEY}`]
    const { noted, printed } = await run(args)
    expect(printed + noted).not.toContain(KEY.slice(9, 20))
    expect(noted).toMatch(/hidden|not shown|…/)
  })

  it.each(
    COMMANDS.flatMap(({ name, options }) => Object.keys(options).map((option) => [name, option])),
  )('%s: the error names a missing or extra value of --%s', async (command = '', option = '') => {
    const isSwitch = specsOf(command)[option]?.value === undefined
    const args = [...lineWithout(command, option), `--${option}${isSwitch ? '=yes' : '='}`]
    expect(await run(args)).toMatchObject({
      code: 2,
      noted: expect.stringMatching(
        isSwitch
          ? `^with-auth: --${option} takes no value`
          : `^with-auth: --${option} needs a value`,
      ) as unknown,
    })
  })

  it.each([
    ['gateway --upstream http://127.0.0.1:9', 'AUTH_ENDPOINT', 'nope', '"nope"'],
    ['gateway --upstream http://127.0.0.1:9', 'AUTH_ENDPOINT', 'https://u:s3cret@h/', '"***@h/"'],
    [
      'gateway --upstream http://127.0.0.1:9',
      'AUTH_ENDPOINT',
      'http://a.example/?k=s3cret',
      '"http://a.example/…"',
    ],
    ['endpoint --port=0 --keys keys.yaml', 'WITH_AUTH_ENDPOINT_SECRET', 's3cret', 'not shown'],
    ['check http://127.0.0.1:9', 'WITH_AUTH_ENDPOINT_SECRET', ' s3cret', 'not shown'],
    ['check http://127.0.0.1:9', 'WITH_AUTH_KEY', 's3cret s3cret', 'not shown'],
  ])(
    'in the environment is reported by its variable: %s, %s=%s',
    async (line, name, value, shown) => {
      const args = line.replace('keys.yaml', inFolder('keys.yaml')).split(' ')
      const { code, printed, noted } = await run(args, { [name]: value })
      expect({ code, printed }).toEqual({ code: 2, printed: '' })
      expect(noted).toMatch(new RegExp(`^with-auth: ${name} `))
      expect(noted).toContain(shown)
      expect(noted).not.toContain('s3cret')
    },
  )
})
