import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/main.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { words } from '../../support/words.ts'

/** Command lines whose parts do not fit together. tests/cli/commands.test.ts has the values of each option. */

const inFolder = setupFolder()
const KEY = 'key-of-alice-k7vq2xw9mz4'
const SECRET = 'sk-live-0123456789'
const HASH = 'a'.repeat(64)
const PROXIES = 'nginx|caddy|traefik|haproxy'
const ONE_END = '--expires-in must be left out beside --expires-at'
const ENDS = '--expires-in 1d --expires-at 2999-01-01'
const AT_9 = '--upstream http://127.0.0.1:9'
const SOURCES = 'bearer, header:NAME or cookie:NAME'
const FLAG = '--upstream-enforces-access-policy'

it.each([
  [`gateway ${AT_9} --config a --keys b`, '--config and --keys both decide who gets access'],
  [`gateway ${AT_9}`, 'give --keys FILE or --config FILE, or set AUTH_ENDPOINT'],
  [`gateway ${AT_9} http://operand`, 'takes only options'],
  [`gateway ${AT_9} ${FLAG}`, `${FLAG} is about the file of --config: give --config FILE`],
  ...['public=/a', 'preflight=allow', 'realm=a', 'credentials=bearer'].map((setting) => {
    const name = setting.split('=')[0] ?? ''
    const inFile = `set server.auth.${name} in the file`
    const message = `--${name} cannot be combined with --config: ${inFile}`
    return [`gateway ${AT_9} --config lost.yaml --${setting}`, message]
  }),
  // The settings are checked before the key file.
  [`gateway ${AT_9} --keys lost.yaml --preflight=yes`, '--preflight must be'],
  ...[
    [SECRET, `must be ${SOURCES}`],
    [`web-socket-protocol:${SECRET}`, `must be ${SOURCES}`],
    [`header:x-api-key=${SECRET}`, 'must be a name without blanks and separators'],
    ['header:authorization', 'must be another header: --credentials has a source of its own'],
    ['bearer --credentials=bearer', 'must be a list that names each source once'],
  ].map(([source, rule = '']) => [
    `gateway ${AT_9} --credentials=${source}`,
    `--credentials ${rule}`,
  ]),
  [`gateway ${AT_9} --keys KEYS --port=65536`, '--port must be a whole number from 0 to 65535'],
  ['forward-auth', `--for must be given once: ${PROXIES}`],
  ['forward-auth --for', `--for needs a value: --for ${PROXIES}`],
  ['forward-auth --for=nginx --for=caddy', `--for must be given once: ${PROXIES}`],
  ['keys --keys KEYS', 'The command after "keys" is missing: keys create, keys list, '],
  ['keys create', '--keys FILE is missing'],
  ['keys create --keys KEYS', '--principal NAME is missing'],
  ['keys create --keys KEYS --principal a sk-x', 'takes only options'],
  [`keys create --keys KEYS --principal a ${ENDS}`, ONE_END],
  ['keys rotate --keys KEYS a b', 'Give only one ID'],
  [`keys rotate --keys KEYS a ${ENDS}`, ONE_END],
  ['keys prune', '--keys FILE is missing'],
  ['keys prune --keys KEYS', '--older TIME is missing'],
  ['keys prune --keys KEYS --older 90d key_1', 'takes only options'],
  ...words('revoke rotate remove show').map((name) => [
    `keys ${name} --keys KEYS`,
    'ID is missing',
  ]),
  ...words('revoke rotate remove import').map((name) => [
    `keys ${name} key_1`,
    '--keys FILE is missing',
  ]),
  ['keys import --keys KEYS', 'FROM is missing'],
  ['keys revoke key_1 --principal alice --keys KEYS', 'Give either an ID or --principal'],
  ...words('revoke check').map((name) => [
    `keys ${name} - --keys KEYS`,
    'standard input must hold one key',
  ]),
  ['console', '--keys FILE is missing'],
  ['console --keys KEYS more', 'takes only options'],
  ['console --keys env:', '--keys must be env: and the name of a variable, such as env:KEYS_URL'],
  ['console --keys env:NOTHING_SET', 'this variable is not set'],
  ['console --keys KEYS --watch 127.0.0.1:9330', 'needs a secret in WITH_AUTH_WATCH_SECRET'],
  ['check --wait=5 http://127.0.0.1:1', '--wait is for the file of --config: give --config FILE'],
  [`check ${FLAG} http://127.0.0.1:1`, `${FLAG} is about the file of --config: give --config FILE`],
  ['check --config=run.yaml http://127.0.0.1:1', 'Give either URL or --config FILE'],
  [
    'check --config=run.yaml --allow-insecure-http',
    'set server.auth.allow_insecure_http in the file',
  ],
  [
    'explain --path /v1 --keys KEYS --header authorization:a',
    '--header must not be "authorization"',
  ],
  ['config', 'FILE is missing'],
  ['init other.yaml', 'takes only options'],
  ['revoke', '--config FILE is missing'],
  [`revoke --config x ${KEY}`, 'takes only options'],
  ['revoke --config x', 'standard input must hold one key'],
  [`revoke --config x --all --sha256 ${HASH}`, 'give only one of them'],
  [`revoke --config x --sha256 ${KEY}`, '64 hexadecimal digits (its value is not shown)'],
])('%s: exits with 2, and changes nothing', async (line = '', message = '') => {
  const file = inFolder('keys.yaml')
  const text = keysText(entry('a'))
  writeFileSync(file, text)
  const args = line.replaceAll('KEYS', file).split(' ')
  const { code, printed, noted } = await runLine(args, COMMANDS)
  expect(noted).toContain(message)
  expect({ code, printed }).toEqual({ code: 2, printed: '' })
  for (const secret of [KEY, SECRET]) expect(noted).not.toContain(secret)
  expect(readFileSync(file, 'utf8')).toBe(text)
})

it.each([
  ['config FILE', 1],
  ['check --config FILE', 1],
  ['explain --path /v1 --config FILE', 2],
  [`gateway ${AT_9} --config FILE`, 1],
])(
  'a file without server.auth, which would allow every request, is refused by %s',
  async (line, exit) => {
    const file = inFolder('run.yaml')
    writeFileSync(file, 'server: { port: 8321 }')
    const args = line.replace('FILE', file).split(' ')
    const { code, printed, noted } = await runLine(args, COMMANDS, {}, KEY)
    expect(`${printed}${noted}`).toContain('"server.auth" is missing: add it')
    expect(code).toBe(exit)
  },
)
