import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { removeKey, rotateKey } from '../../../src/keys.ts'
import { readKeyFile } from '../../../src/keys/file/read.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 900)
const SHA = '0a'.repeat(32)

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }))

const COMMENTED = `# The keys.
keys:
  # Alice's laptop.
  - id: a # her first
    principal: alice
    tenant: acme
    attributes: {roles: [admin, ops]} # all of them
    paths: [/v1]
    created: 2025-12-01
    expires: "2027-12-01" # in two years
    sha256: ${SHA} # not the key
  # The last.
`

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

function writeKey(fields: object = {}): string {
  return write(keysText(entry('a', fields)))
}

function endsIn(file: string): Record<string, string | undefined> {
  return Object.fromEntries(readKeyFile(file).keys.map(({ id, expires }) => [id, expires]))
}

/** Returns the error of a rotation, which must leave the file as it was. */
async function failureOf(file: string, options: unknown = {}): Promise<unknown> {
  const text = readFileSync(file, 'utf8')
  const failure: unknown = await rotateKey(file, 'a', options as never).catch(
    (error: unknown) => error,
  )
  expect(readFileSync(file, 'utf8')).toBe(text)
  return failure
}

describe('a rotation', () => {
  it('writes a new key with the same rights, and ends the old one with the overlap', async () => {
    const file = write(COMMENTED)
    const { key, id, replaces, undo: _, ...record } = await rotateKey(file, 'a', {})
    const prefix = key.slice(0, 15)
    const added = `  - id: ${id}
    prefix: ${prefix}
    principal: alice
    tenant: acme
    attributes:
      roles:
        - admin
        - ops
    paths:
      - /v1
    created: 2026-01-01T00:00:00Z
    expires: 2028-01-01T00:00:00Z
    sha256: ${createHash('sha256').update(key).digest('hex')}
`
    expect(readFileSync(file, 'utf8')).toBe(
      COMMENTED.replace('"2027-12-01"', '"2026-01-02T00:00:00Z"')
        .replace(`    sha256: ${SHA}`, `    successor: ${id}\n    sha256: ${SHA}`)
        .replace('  # The last.\n', `${added}  # The last.\n`),
    )
    const caller = { principal: 'alice', tenant: 'acme', attributes: { roles: ['admin', 'ops'] } }
    const rights = { ...caller, paths: ['/v1'] }
    const [created, expires] = ['2026-01-01T00:00:00Z', '2028-01-01T00:00:00Z']
    expect(record).toEqual({ status: 'active', prefix, ...rights, created, expires })
    expect(replaces).not.toHaveProperty('revoked')
    expect(replaces).toEqual({
      id: 'a',
      sha256: SHA,
      status: 'active',
      ...rights,
      created: '2025-12-01',
      expires: '2026-01-02T00:00:00Z',
      successor: id,
    })
  })

  it.each([
    [{}, {}, '2026-01-02T00:00:00Z', 'active'],
    [{ overlap: '15m' }, {}, '2026-01-01T00:15:00Z', 'active'],
    [{ overlap: '0' }, {}, '2026-01-01T00:00:00Z', 'expired'],
    [{ overlap: '90d' }, {}, '2026-04-01T00:00:00Z', 'active'],
    [{}, { expires: '2026-01-01T05:00:00+01:00' }, '2026-01-01T05:00:00+01:00', 'active'],
    [{}, { expires: '2026-01-02' }, '2026-01-02', 'active'],
  ])('with %j ends the old key %j at %s', async (options, fields, expires, status) => {
    const file = writeKey(fields)
    const { replaces } = await rotateKey(file, 'a', options)
    expect(endsIn(file)['a']).toBe(expires)
    expect(replaces).toMatchObject({ id: 'a', expires, status })
  })

  it.each([
    ['never, like the old key', {}, {}, undefined],
    [
      'after the lifetime of the old key',
      { created: '2025-12-31T12:00:00Z', expires: '2026-03-31T12:00:00Z' },
      {},
      '2026-04-01T00:00:00Z',
    ],
    [
      'with the old key if that has no "created"',
      { expires: '2026-05-01' },
      {},
      '2026-05-01T00:00:00Z',
    ],
    [
      'with the old key if that was created later',
      { created: '2027-01-01', expires: '2026-05-01' },
      {},
      '2026-05-01T00:00:00Z',
    ],
    [
      'before the year 10000',
      { created: '0001-01-01', expires: '9999-01-01' },
      {},
      '9999-12-31T23:59:59Z',
    ],
    ['by expiresIn', { expires: '2026-05-01' }, { expiresIn: '30d' }, '2026-01-31T00:00:00Z'],
    ['by expiresIn if the old key never ends', {}, { expiresIn: '1d' }, '2026-01-02T00:00:00Z'],
    ['by expiresAt', {}, { expiresAt: '2026-07-01' }, '2026-07-01T00:00:00Z'],
  ])('ends the new key %s', async (_, fields, options, expires) => {
    const file = writeKey(fields)
    const { id } = await rotateKey(file, 'a', options)
    expect(endsIn(file)[id]).toBe(expires)
  })
})

describe('a rotation fails', () => {
  it.each([
    [{ overlap: 'soon' }, 'options.overlap', '0, or a whole number above 0 with s, m, h, d or w'],
    [{ overlap: 'withauth_'.repeat(6) }, 'options.overlap', '(its value is not shown)'],
    [{ overlap: '999999w' }, 'options.overlap', 'before the year 10000'],
    [{ expiresAt: '2025-01-01' }, 'options.expiresAt', 'in the future'],
    [
      { expiresIn: '1d', expiresAt: '2027-01-01' },
      'options.expiresIn',
      'must be left out beside "options.expiresAt"',
    ],
  ])('with %j', async (options, option, message) => {
    const error = { option, message: expect.stringContaining(message) as string }
    expect(await failureOf(writeKey(), options)).toMatchObject(error)
  })

  it('with an overlap that ends with the year 9999', async () => {
    vi.setSystemTime(Date.UTC(9999, 11, 31))
    const error = { option: 'options.overlap' }
    expect(await failureOf(writeKey(), { overlap: '1d' })).toMatchObject(error)
  })

  it.each([
    ['revoked', { revoked: '2025-06-01' }],
    ['revoked', { revoked: true, expires: '2025-06-01' }],
    ['expired', { expires: '2026-01-01' }],
  ])('for a key that is %s', async (status, fields) => {
    const file = writeKey(fields)
    const message = `Cannot rotate: the key a in ${file} is ${status}. Create a new key instead`
    expect(await failureOf(file)).toMatchObject({ code: 'not_active', message })
  })

  it.each([
    ['had an end', { created: '2025-12-01', expires: '2026-12-01' }, {}],
    ['never ended, with an overlap', {}, { overlap: '1h' }],
  ])('without a new end if a rotated key %s', async (_, fields, options) => {
    const file = writeKey(fields)
    const { id } = await rotateKey(file, 'a', {})
    const text = readFileSync(file, 'utf8')
    expect(await failureOf(file, options)).toMatchObject({
      option: 'options.expiresIn',
      message: `"options.expiresIn" must be given, or "options.expiresAt": ${id} replaced the key a already, so its lifetime is no longer known`,
    })
    const again = await rotateKey(file, 'a', { expiresIn: '90d' })
    expect(again).toMatchObject({ expires: '2026-04-01T00:00:00Z', replaces: { id: 'a' } })
    expect(readKeyFile(file).keys[0]?.successor).toBe(again.id)
    await again.undo()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('undo', () => {
  it.each([
    ['a later end', COMMENTED],
    ['an earlier end', COMMENTED.replace('"2027-12-01"', '"2026-01-01T07:00:00Z"')],
  ])('restores the file of a key with %s', async (_, text) => {
    const file = write(text)
    const { undo } = await rotateKey(file, 'a', {})
    expect(readFileSync(file, 'utf8')).not.toBe(text)
    await undo()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('removes the new key, also from a long file, and if the old key is gone', async () => {
    const file = writeKey()
    const { undo } = await rotateKey(file, 'a', {})
    await removeKey(file, 'a')
    appendFileSync(file, `# ${'-'.repeat(1024 * 1024)}\n`)
    await undo()
    expect(endsIn(file)).toEqual({})
  })
})
