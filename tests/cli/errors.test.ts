import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { asUsage, nameFlag, UndecidedError, UsageError } from '../../src/cli/errors.ts'
import { invalidOption, invalidSecret } from '../../src/core/config/option-checks.ts'
import { configError } from '../../src/core/config/problems.ts'
import { createKey, listKeys, revokeKey } from '../../src/keys.ts'
import { loadConfig } from '../../src/yaml.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import {
  escapeHidden,
  showFile,
  shown,
  showName,
  showUrl,
  showValue,
} from '../../src/cli/shown-value.ts'
import type { AuthConfigError } from '../../src/core/errors.ts'

const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'
const HIDDEN = '(hidden because it may be a secret)'
const inFolder = setupFolder()

it.each([
  ['--keys', (file: string) => listKeys(file), 'it is a folder, not a regular file'],
  ['--config', loadConfig, 'The file cannot be read: it is a folder, not a regular file'],
  ['--key-file', readFile, 'EISDIR: illegal operation on a directory'],
] as const)('names a file of %s once, with the reason', async (flag, read, reason) => {
  const folder = inFolder('folder')
  mkdirSync(folder)
  const named = (text: string, why: string): Error => new Error(`${flag} ${text}: ${why}`)
  await expect(read(folder).catch(nameFlag(flag, folder))).rejects.toThrow(named(folder, reason))
  const missing = `no such file${flag === '--keys' ? ': create it with "with-auth keys create"' : ''}`
  for (const [file, text] of [
    [inFolder('lost.yaml'), inFolder('lost.yaml')],
    [KEY, HIDDEN],
  ] as const) {
    await expect(read(file).catch(nameFlag(flag, file))).rejects.toThrow(named(text, missing))
  }
})

it('an error has the name of its class', () => {
  const names = [new UsageError('a'), new UndecidedError('a')].map(({ name }) => name)
  expect(names).toEqual(['UsageError', 'UndecidedError'])
})

it('names a file that cannot be opened or made once', async () => {
  const link = inFolder('loop')
  symlinkSync(link, link)
  for (const use of [() => readFile(link), () => stat(link)]) {
    await expect(use().catch(nameFlag('--key-file', link))).rejects.toThrow(
      new Error(`--key-file ${link}: ELOOP: too many symbolic links encountered`),
    )
  }
  const lost = inFolder('a, open/keys.yaml')
  const creating = createKey(lost, { principal: 'a' }).catch(nameFlag('--keys', lost))
  await expect(creating).rejects.toThrow(
    new Error(`--keys ${lost}: Cannot create ${lost}.lock: its folder does not exist`),
  )
})

it('hides a key in a path that cannot be written', async () => {
  const file = inFolder(`lost/${KEY}`)
  const creating = createKey(file, { principal: 'a' }).catch(nameFlag('--keys', file))
  await expect(creating).rejects.toThrow(
    /^--keys \(hidden[^)]*\): Cannot create \(hidden[^)]*\)\.lock: its folder does not exist$/,
  )
})

it('reports a broken link instead of advising to create a file', async () => {
  const link = inFolder('link.yaml')
  symlinkSync('lost.yaml', link)
  const reason = 'it is a symbolic link to a file that does not exist'
  for (const use of [() => createKey(link, { principal: 'a' }), () => listKeys(link)]) {
    await expect(use().catch(nameFlag('--keys', link))).rejects.toThrow(
      new Error(`--keys ${link}: ${reason}`),
    )
  }
})

it('leaves an error about a line, a key or an option unchanged', async () => {
  const file = inFolder('keys.yaml')
  const named = nameFlag('--keys', file)
  await createKey(file, { principal: 'alice' })
  await expect(revokeKey(file, 'key_none').catch(named)).rejects.toThrow(/^There is no key with/)
  await expect(createKey(file, { principal: '' }).catch(named)).rejects.toThrow(/^"key\.principal"/)
  writeFileSync(file, 'keys: [')
  await expect(listKeys(file).catch(named)).rejects.toThrow(/^\/.*:1:\d+: /)
  await expect(loadConfig(file).catch(named)).rejects.toThrow(/^\/.*:1:\d+: /)
  // Codes of OpenSSL and of Node, and a thrown text.
  for (const code of ['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
    const failure = Object.assign(new Error('of TLS'), { code })
    await expect(Promise.reject(failure).catch(named)).rejects.toBe(failure)
  }
  expect(() => named('a text')).toThrow('a text')
})

describe('an error about a library option', () => {
  const flags = {
    endpoint: 'URL',
    'key.paths': '--path',
    allowInsecureHttp: '--allow-insecure-http',
  }
  const problemOf = (name: string) =>
    ({ optionPath: [name], expected: 'right', isSecret: false }) as const
  const fail = (error: unknown) =>
    asUsage(flags, () => {
      throw error
    })

  it.each<[AuthConfigError, string]>([
    [invalidOption(['endpoint'], 'x', 'a URL'), 'URL must be a URL, received "x"'],
    [invalidOption(['endpoint'], 5, 'a URL'), 'URL must be a URL, received 5'],
    [invalidOption(['key', 'paths', 3], '', 'a path'), '--path must be a path, received ""'],
    [
      invalidOption(['endpoint'], 'http://h/?k=s3cret', 'https (or `allowInsecureHttp`)'),
      'URL must be https (or --allow-insecure-http), received "http://h/…"',
    ],
    [
      invalidOption(['endpoint'], '", received "endpoint" sk-s3cret', '"a" or "b"'),
      `URL must be "a" or "b", received ${HIDDEN}`,
    ],
    [
      invalidOption(['endpoint'], 'sk-s3cret', 'a URL', { didYouMean: 'sk-s3cret/' }),
      `URL must be a URL, received ${HIDDEN}`,
    ],
    [
      invalidOption(['key', 'paths', 0], '/*', 'a path', { didYouMean: '/' }),
      '--path must be a path, received "/*": did you mean "/"?',
    ],
    [invalidSecret(['endpoint'], 'a URL'), 'URL must be a URL (its value is not shown)'],
    [
      configError([problemOf('endpoint'), problemOf('timeoutMs'), problemOf('allowInsecureHttp')]),
      'URL must be right\n--allow-insecure-http must be right',
    ],
  ])('uses the names of the command: %s', async (error, expected) => {
    await expect(fail(error)).rejects.toThrow(new UsageError(expected))
  })

  it('stays the same if the command has no name for the first option', async () => {
    const error = configError([problemOf('timeoutMs'), problemOf('endpoint')])
    await expect(fail(error)).rejects.toBe(error)
    const thrown = new TypeError('"endpoint"')
    const failing = asUsage(flags, () => {
      throw thrown
    })
    await expect(failing).rejects.toBe(thrown)
    expect(await asUsage(flags, () => 5)).toBe(5)
  })
})

const [MOST, MORE] = ['x'.repeat(24), 'x'.repeat(25)]
const HIDES: Readonly<Record<string, readonly string[]>> = {
  name: [KEY, 'sk-s3cret', '--sk-s3cret', '', 'a b', '-', '---x', MORE, 'a\u001B', '\nx'],
  value: [
    KEY,
    `a ${KEY}`,
    `https://h/${KEY}`,
    `http://${KEY}`,
    'sk-s3cret',
    'sk_live_4eC39',
    'a sk-s3cret',
    'key=sk-s3cret',
    MORE,
    `two ${MORE}`,
    'https://user:s3cret@h/',
    'https://user:s3/cret@h',
    'rediss://u:s3cret@h',
    String.raw`https://u:s3cret@h/c:\x`,
    `${MORE} https://h`,
  ],
  url: [`https://${KEY}/`, 'https://mine.example/'],
  file: [
    KEY,
    `/tmp/${KEY}`,
    `${KEY}.yaml`,
    'sk-s3cret',
    MORE,
    `.${MORE}`,
    `${MORE}.`,
    `a.b_${MORE}`,
    `a/${MORE}`,
    'postgres://u:s3cret@h/k.db',
  ],
}
const showUrlFor = (url: string) => showUrl(url, 'mine')
const SHOW = {
  name: showName,
  value: showValue,
  url: showUrlFor,
  file: showFile,
  'name of a principal': shown,
}

it.each(Object.entries(HIDES).flatMap(([kind, texts]) => texts.map((text) => [kind, text])))(
  'hides the %s %j',
  (kind, text) => {
    expect(SHOW[kind as keyof typeof SHOW](text ?? '')).toBe(HIDDEN)
  },
)

it.each<[keyof typeof SHOW, string, string]>([
  ['name', 'gatway', '"gatway"'],
  ['name', '--upstraem', '"--upstraem"'],
  ['name', '-x', '"-x"'],
  ['name', MOST, `"${MOST}"`],
  ['value', 'soon', '"soon"'],
  ['value', 'two words', '"two words"'],
  ['value', MOST, `"${MOST}"`],
  ['value', 'a\u0001\u001Bb', String.raw`"a\u0001\u001bb"`],
  ['value', '', '""'],
  ['value', '2020-01-01', '"2020-01-01"'],
  ['value', '/api-v1/', '"/api-v1/"'],
  ['value', 'http://h', '"http://h"'],
  ['value', 'http://h:8000/', '"http://h:8000/"'],
  ['value', 'https://long-name.of-a-host.example/v?k=s', '"https://long-name.of-a-host.example/…"'],
  ['value', 'HTTPS://h?k=s3cret', '"HTTPS://h/…"'],
  ['value', 'https://h/v', '"https://h/…"'],
  ['value', 'see https://h/v', '"see https://h/v"'],
  ['url', 'HTTPS://h/v%2F1?k=s3cret\n', 'HTTPS://h/v%2F1?***'],
  ['url', 'https://h/sk-s3cret', 'https://h/…'],
  ['url', 'https://h/sk%2Ds3cret', 'https://h/…'],
  ['url', 'https://h/%6dine?a', 'https://h/…'],
  ['value', 'https://h/\n?k=s3cret', '"https://h/…"'],
  ...['/run/secrets/with-auth/a-key-of-the-service', './', '.', '..', 'keys'].map(
    (file): ['file', string, string] => ['file', file, file],
  ),
  ['file', 'a-long-name-of-a-file-with-keys.yaml', 'a-long-name-of-a-file-with-keys.yaml'],
  ['file', String.raw`C:\keys`, String.raw`C:\keys`],
  ['file', String.raw`C:\keys@work.yaml`, String.raw`C:\keys@work.yaml`],
  ['file', 'a.x\nwith-auth: b.yaml', String.raw`a.x\nwith-auth: b.yaml`],
  ['file', './a\n', String.raw`./a\n`],
  ['name of a principal', 'a b!~', 'a b!~'],
  ['name of a principal', 'a\u001B[31m', '"a\\u001b[31m"'],
  ['name of a principal', 'a\u202Eb', '"a?b"'],
])('shows the %s %j as %s', (kind, text, expected) => {
  expect(SHOW[kind](text)).toBe(expected)
})

it('escapes terminal control characters, but not line breaks and letters', () => {
  expect(escapeHidden('é\n\u0000\t\r\u001B\u007F\u0085\u00A0\u200B\u202E\u2028\uFEFF😀')).toBe(
    `é\n${String.raw`\u0000\u0009\u000d\u001b\u007f\u0085\u00a0\u200b\u202e\u2028\ufeff`}😀`,
  )
})
