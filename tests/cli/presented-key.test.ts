import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { KEY_OPTIONS, readPresentedKey } from '../../src/cli/commands/check.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-key-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function read(args: string[], env: Record<string, string> = {}) {
  return readPresentedKey(readCommandLine(args, KEY_OPTIONS), { env })
}

it('reads the key from the environment, or from a file, which goes first', async () => {
  const file = join(folder, 'key')
  writeFileSync(file, 'sk-file\n')
  expect(await read([])).toBeUndefined()
  expect(await read([], { WITH_AUTH_KEY: 'sk-env' })).toBe('sk-env')
  expect(await read(['--key-file', file], { WITH_AUTH_KEY: 'sk-env' })).toBe('sk-file')
})

it('stops reading an endless file', async () => {
  await expect(read(['--key-file', '/dev/zero'])).rejects.toThrow(/^--key-file must hold one key/)
})

it.each(['', ' ', 'two keys', 'sk-é', 'a\nb', 'x'.repeat(8193)])(
  'refuses what cannot be a key, without showing it: %j',
  async (key) => {
    await expect(read([], { WITH_AUTH_KEY: key })).rejects.toThrow(
      /^WITH_AUTH_KEY must hold one key, in visible ASCII \(it is not shown\)$/,
    )
  },
)

it.each(['', 'sk-s3cret sk-other', 'sk-s3cret-é', 's3cret\nsk-other'])(
  'refuses a file that cannot be a key, without showing it: %j',
  async (text) => {
    const file = join(folder, 'no-key')
    writeFileSync(file, text)
    await expect(read(['--key-file', file], { WITH_AUTH_KEY: 'sk-env' })).rejects.toThrow(
      /^--key-file must hold one key, in visible ASCII \(it is not shown\)$/,
    )
  },
)

it('fails for a file that is not there', async () => {
  await expect(read(['--key-file', join(folder, 'lost')])).rejects.toThrow(
    /^--key-file \/.*lost: no such file$/,
  )
})
