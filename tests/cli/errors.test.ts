import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { addAdvice, nameFlag } from '../../src/cli/errors.ts'
import { createKey, KeyFileError, listKeys, revokeKey } from '../../src/keys.ts'
import { loadConfig } from '../../src/yaml.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'
const inFolder = setupFolder()

/** How each kind of file is read. */
const READERS = [
  ['--keys', listKeys, 'no such file: make one with "with-auth keys create"'],
  ['--config', loadConfig, 'no such file'],
  ['--key-file', readFile, 'no such file'],
] as const

it.each(READERS)('names %s for a file that is not there', async (flag, read, reason) => {
  const file = inFolder('lost.yaml')
  await expect(read(file).catch(nameFlag(flag, file))).rejects.toThrow(
    new Error(`${flag} ${file}: ${reason}`),
  )
  await expect(read(KEY).catch(nameFlag(flag, KEY))).rejects.toThrow(
    new Error(`${flag} (hidden because it may be a secret): ${reason}`),
  )
})

it.each([
  ['--keys', listKeys, 'it is a folder, not a regular file'],
  ['--config', loadConfig, 'The file cannot be read: it is a folder, not a regular file'],
  ['--key-file', readFile, 'EISDIR: illegal operation on a directory, read'],
] as const)('says once which file of %s cannot be read, and why', async (flag, read, reason) => {
  const folder = inFolder('folder')
  mkdirSync(folder)
  await expect(read(folder).catch(nameFlag(flag, folder))).rejects.toThrow(
    new Error(`${flag} ${folder}: ${reason}`),
  )
})

it('does not show a key in a path that cannot be written', async () => {
  const file = inFolder(`lost/${KEY}`)
  const creating = createKey(file, { principal: 'a' }).catch(nameFlag('--keys', file))
  await expect(creating).rejects.toThrow(
    /^--keys \(hidden[^)]*\): Cannot create \(hidden[^)]*\)\.lock: its folder does not exist$/,
  )
})

it('says that a link leads nowhere, and not to make a new file', async () => {
  const link = inFolder('link.yaml')
  symlinkSync('lost.yaml', link)
  const reason = 'it is a symbolic link to a file that does not exist'
  for (const use of [() => createKey(link, { principal: 'a' }), () => listKeys(link)]) {
    // oxlint-disable-next-line no-await-in-loop
    await expect(use().catch(nameFlag('--keys', link))).rejects.toThrow(
      new Error(`--keys ${link}: ${reason}`),
    )
  }
})

it('leaves an error that names a line, a key or an option', async () => {
  const file = inFolder('keys.yaml')
  const named = nameFlag('--keys', file)
  await createKey(file, { principal: 'alice' })
  await expect(revokeKey(file, 'key_none').catch(named)).rejects.toThrow(/^There is no key with/)
  await expect(createKey(file, { principal: '' }).catch(named)).rejects.toThrow(/^"key\.principal"/)
  writeFileSync(file, 'keys: [')
  await expect(listKeys(file).catch(named)).rejects.toThrow(/^\/.*:1:\d+: /)
  await expect(loadConfig(file).catch(named)).rejects.toThrow(/^\/.*:1:\d+: /)
})

it('appends advice to the errors that it helps with', () => {
  const add = addAdvice({ no_such_key: 'do this' })
  const cause = new KeyFileError('no_such_key', 'There is none')
  expect(() => add(cause)).toThrow(
    expect.objectContaining({ message: 'There is none: do this', cause }),
  )
  for (const error of [new KeyFileError('locked', 'x'), new Error('no_such_key')]) {
    expect(() => add(error)).toThrow(error)
  }
})
