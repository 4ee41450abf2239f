import { chmodSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { expect, it, onTestFinished } from 'vitest'
import { checkKeys } from '../../../src/cli/check/keys.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { createCheck } from '../support/checked.ts'

/** `with-auth check --config` with many keys, on Windows, and while a file changes. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

const DAY_MS = 86_400_000
const ENDED = '2020-01-01T00:00:00Z'

/** A key with this number in its id, and more members. */
const keyOf = (index: number, more: string): string =>
  `- { id: key_${idOf(index)}, prefix: withauth_3dH4PE, principal: a, created: ${ENDED}, sha256: "${String(index).padStart(64, '0')}"${more} }\n`
const idOf = (index: number): string => String(index).padStart(12, '0')

function writeKeys(keys: readonly string[]): string {
  const file = inFolder('keys.yaml')
  writeFileSync(file, `keys:\n${keys.join('')}`, { mode: 0o600 })
  return file
}

const checkFile = (file: string, more = '') =>
  check(`provider_config:\n  type: api_keys\n  file: ${file}\n${more}`)

it('names eight keys that end soon or have ended, and counts the others', async () => {
  const soon = new Date(Date.now() + 13 * DAY_MS).toISOString()
  const file = writeKeys(
    Array.from({ length: 17 }, (_, index) =>
      keyOf(index, `, expires: ${index < 8 ? soon : ENDED}`),
    ),
  )
  const list = (from: number, expires: string): string =>
    Array.from(
      { length: 8 },
      (_, index) => `key_${idOf(from + index)} (${expires.slice(0, 10)})`,
    ).join(', ')
  expect((await checkFile(file)).printed).toBe(`run.yaml:5: ok: ${file} has 8 keys that work.
run.yaml:5: warning: These keys end within 14 days: ${list(0, soon)}.
run.yaml:5: warning: These keys have ended: ${list(8, ENDED)}, 1 more.
no errors, 2 warnings
`)
})

it('warns of a file whose keys have all ended: it rejects every caller', async () => {
  const file = writeKeys([keyOf(0, `, expires: ${ENDED}`)])
  expect((await checkFile(file)).printed).toContain(
    `run.yaml:5: warning: ${file} has no key that works: every caller is rejected.\n`,
  )
})

it('reads a thousand keys, and makes no guess about the others', async () => {
  const ended = Array.from({ length: 1000 }, (_, index) => keyOf(index, `, expires: ${ENDED}`))
  const file = writeKeys([...ended, keyOf(1000, ', attributes: { roles: [admin] }')])
  const { printed } = await checkFile(
    file,
    'route_policy: [{ permit: { paths: /a* }, when: user with admin in roles }]',
  )
  expect(printed).toContain(`run.yaml:5: warning: None of the first 1000 keys of ${file} works.
run.yaml:5: warning: Of the first 1000 keys: These keys have ended: key_${idOf(0)} `)
  expect(printed).toMatch(/, 992 more\.\nno errors, 2 warnings\n$/)
})

it('does not ask who may read a file of keys on Windows, which has no such modes', async () => {
  const { platform } = process
  onTestFinished(() => void Object.defineProperty(process, 'platform', { value: platform }))
  Object.defineProperty(process, 'platform', { value: 'win32' })
  const file = writeKeys([keyOf(0, '')])
  chmodSync(file, 0o666)
  expect((await checkFile(file)).printed).toBe(
    `run.yaml:5: ok: ${file} has 1 key that works.\nno errors, no warnings\n`,
  )
})

const NO_KEY = 'A key must be a mapping with "id", "principal" and "sha256"'

it.each([
  ['is gone', undefined, 'There is no file FILE.'],
  ['is broken', 'keys:\n- a\n- b\n', `FILE:2:3: ${NO_KEY}; FILE:3:3: ${NO_KEY}.`],
])('a file of keys that %s since it was opened is an error in one line', async (_, text, says) => {
  const file = inFolder('changed.yaml')
  if (text !== undefined) writeFileSync(file, text, { mode: 0o600 })
  const place = { line: 5, key: 'server.auth.provider_config.file' }
  expect(await checkKeys(file, file, place)).toEqual({
    findings: [{ ...place, level: 'error', says: says.replaceAll('FILE', file) }],
    all: undefined,
  })
})
