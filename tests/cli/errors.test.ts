import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { asUsage, nameFlag, UsageError } from '../../src/cli/errors.ts'
import { invalidOption, invalidSecret } from '../../src/core/config/option-checks.ts'
import { AuthConfigError } from '../../src/core/errors.ts'
import { createKey, listKeys, revokeKey } from '../../src/keys.ts'
import { loadConfig } from '../../src/yaml.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'
const inFolder = setupFolder()

it.each([
  ['--keys', (file: string) => listKeys(file), 'it is a folder, not a regular file'],
  ['--config', loadConfig, 'The file cannot be read: it is a folder, not a regular file'],
  ['--key-file', readFile, 'EISDIR: illegal operation on a directory'],
] as const)('names a file of %s once, with the reason', async (flag, read, reason) => {
  const folder = inFolder('folder')
  mkdirSync(folder)
  const shown = (text: string, why: string): Error => new Error(`${flag} ${text}: ${why}`)
  await expect(read(folder).catch(nameFlag(flag, folder))).rejects.toThrow(shown(folder, reason))
  const missing = `no such file${flag === '--keys' ? ': create it with "with-auth keys create"' : ''}`
  for (const [file, text] of [
    [inFolder('lost.yaml'), inFolder('lost.yaml')],
    [KEY, '(hidden because it may be a secret)'],
  ] as const) {
    await expect(read(file).catch(nameFlag(flag, file))).rejects.toThrow(shown(text, missing))
  }
})

it('names a file that cannot be opened once', async () => {
  const link = inFolder('loop')
  symlinkSync(link, link)
  await expect(readFile(link).catch(nameFlag('--key-file', link))).rejects.toThrow(
    new Error(`--key-file ${link}: ELOOP: too many symbolic links encountered`),
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
})

describe('an error about a library option', () => {
  const flags = {
    endpoint: 'URL',
    'key.paths': '--path',
    allowInsecureHttp: '--allow-insecure-http',
  }
  const fail = (error: unknown) =>
    asUsage(flags, () => {
      throw error
    })
  const HIDDEN = '(hidden because it may be a secret)'

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
  ])('uses the names of the command: %s', async (error, expected) => {
    await expect(fail(error)).rejects.toThrow(new UsageError(expected))
  })

  it('stays the same if the command has no name for the option', async () => {
    const error = new AuthConfigError(
      'timeoutMs',
      '"timeoutMs" must be a number, received "endpoint"',
    )
    await expect(asUsage(flags, () => Promise.reject(error))).rejects.toBe(error)
    const thrown = new TypeError('"endpoint"')
    const failing = asUsage(flags, () => {
      throw thrown
    })
    await expect(failing).rejects.toBe(thrown)
    expect(await asUsage(flags, () => 5)).toBe(5)
  })
})
