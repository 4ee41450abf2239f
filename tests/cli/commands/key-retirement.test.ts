import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { createKey, listKeys, revokeKey } from '../../../src/keys.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { CreatedKey, KeyRecord, RotatedKey } from '../../../src/keys.ts'

const pathOf = setupFolder()

function keys(...args: string[]) {
  return runLine(['keys', ...args, '--keys', pathOf('keys.yaml')], COMMANDS)
}

async function create(fields: object = {}): Promise<CreatedKey> {
  return createKey(pathOf('keys.yaml'), { principal: 'alice', ...fields })
}

async function rotateAsJson(id: string, ...args: string[]): Promise<RotatedKey> {
  return JSON.parse((await keys('rotate', id, '--json', ...args)).printed) as RotatedKey
}

describe('with-auth keys rotate', () => {
  it('prints the new key once, and stores only its hash', async () => {
    const old = await create({ paths: ['/v1'], attributes: { roles: ['admin'] } })
    const { code, printed, noted } = await keys('rotate', old.id)
    expect(code).toBe(0)
    expect(printed).toMatch(/^withauth_\w{49}\n$/)
    const [before, after] = await listKeys(pathOf('keys.yaml'))
    expect(after).toMatchObject({ paths: ['/v1'], attributes: { roles: ['admin'] } })
    expect(noted).toBe(
      `with-auth: ${after?.id} for alice; the key is shown only once\n` +
        `with-auth: the old key ${old.id} works until ${before?.expires}\n`,
    )
    const inADay = Date.parse(before?.expires ?? '') - Date.now()
    expect(inADay).toBeLessThanOrEqual(86_400_000)
    expect(inADay).toBeGreaterThan(86_000_000)
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).not.toContain(printed.trim())
  })

  it('prints the new key and the end of the old key as JSON', async () => {
    const old = await create({ expiresIn: '90d' })
    const rotated = await rotateAsJson(old.id, '--overlap', '0', '--expires-in', '30d')
    expect(rotated).toEqual({
      id: expect.stringMatching(/^key_[a-z2-7]{12}$/),
      key: expect.stringMatching(/^withauth_[\dA-Za-z]{49}$/),
      prefix: rotated.key.slice(0, 15),
      status: 'active',
      principal: 'alice',
      attributes: {},
      created: expect.any(String),
      expires: expect.any(String),
      replaces: {
        id: old.id,
        prefix: old.prefix,
        status: 'expired',
        principal: 'alice',
        attributes: {},
        created: old.created,
        expires: expect.any(String),
        successor: rotated.id,
      },
    })
    const lifeOf = ({ created = '', expires = '' }: KeyRecord): number =>
      Date.parse(expires) - Date.parse(created)
    expect(lifeOf(rotated)).toBe(30 * 86_400_000)
  })

  it('reports when the new key expires, and that the old one has ended', async () => {
    const { id } = await create()
    const { noted } = await keys('rotate', id, '--overlap=0', '--expires-at=2999-01-01T00:00:00Z')
    expect(noted).toMatch(/ for alice until 2999-01-01T00:00:00Z; the key is shown only once\n/)
    expect(noted).toContain(
      `with-auth: the old key ${id} has ended; a cached decision may allow it for 5 s more at a gateway with a database, and for --max-age behind an endpoint\n`,
    )
  })

  it('advises what to do for an ended key', async () => {
    const { id } = await create()
    await revokeKey(pathOf('keys.yaml'), id)
    expect(await keys('rotate', id)).toEqual({
      code: 1,
      printed: '',
      noted: `with-auth: Cannot rotate: the key ${id} in ${pathOf('keys.yaml')} is revoked. Create a new key instead: with-auth keys create --keys FILE --principal NAME\n`,
    })
  })

  it('needs a lifetime if the old key was rotated before', async () => {
    const { id } = await create({ expiresIn: '90d' })
    const { id: successor } = await rotateAsJson(id)
    const { code, printed, noted } = await keys('rotate', id)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).toContain(
      `with-auth: --expires-in must be given, or --expires-at: ${successor} replaced the key ${id} already`,
    )
    expect((await keys('rotate', id, '--expires-in', '90d')).code).toBe(0)
    expect(await listKeys(pathOf('keys.yaml'))).toHaveLength(3)
  })

  it('removes the new key if it cannot be printed, and restores the old expiry', async () => {
    const { id } = await create({ expiresIn: '90d' })
    const text = readFileSync(pathOf('keys.yaml'), 'utf8')
    const flush = (): Promise<void> => Promise.reject(new Error('No space'))
    const surroundings = { ...createSurroundings(), flush }
    const line = ['keys', 'rotate', id, '--keys', pathOf('keys.yaml')]
    expect(await main(line, COMMANDS, surroundings)).toBe(1)
    expect(surroundings.noted()).toContain(
      `with-auth: No space. The new key was removed from ${pathOf('keys.yaml')}, and ${id} works as long as before\n`,
    )
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe(text)
  })

  it('reports what is still in the file after a failed undo', async () => {
    const { id } = await create()
    const breakFile = (): Promise<void> => {
      writeFileSync(pathOf('keys.yaml'), 'keys: [')
      return Promise.reject(new Error('No space'))
    }
    const surroundings = { ...createSurroundings(), flush: breakFile }
    const line = ['keys', 'rotate', id, '--keys', pathOf('keys.yaml')]
    expect(await main(line, COMMANDS, surroundings)).toBe(1)
    expect(surroundings.noted()).toMatch(
      new RegExp(
        `The new key key_\\w+ is still in .*: revoke it, and correct "expires" of ${id} there\n$`,
      ),
    )
  })
})

describe('with-auth keys remove', () => {
  it('removes any key, and reports whether it worked', async () => {
    const [one, two] = [await create(), await create()]
    await revokeKey(pathOf('keys.yaml'), two.id)
    const active = `with-auth: ${one.id} of alice is removed; it worked until now\n`
    expect(await keys('remove', one.id)).toEqual({ code: 0, printed: '', noted: active })
    const revoked = `with-auth: ${two.id} of alice is removed; it was revoked before\n`
    expect(await keys('remove', two.id)).toEqual({ code: 0, printed: '', noted: revoked })
    expect(await listKeys(pathOf('keys.yaml'))).toEqual([])
    const { id } = await create()
    const { printed } = await keys('remove', id, '--json')
    expect(JSON.parse(printed)).toMatchObject({ id, status: 'active', principal: 'alice' })
  })
})

describe('with-auth keys prune', () => {
  const OVER = [
    entry('key_1', { expires: '2020-01-01' }),
    entry('key_2', { revoked: '2020-01-01' }),
  ]

  it('removes keys that ended long enough ago, and prints their ids', async () => {
    const kept = entry('key_3', { revoked: new Date().toISOString() })
    const text = keysText(entry('key_0'), ...OVER, kept)
    writeFileSync(pathOf('keys.yaml'), text)
    const args = ['prune', '--older', '90d']
    const [printed, ids] = ['key_1\nkey_2\n', ['key_1', 'key_2']]
    const noted = 'with-auth: 2 keys would be removed\n'
    expect(await keys(...args, '--dry-run')).toEqual({ code: 0, printed, noted })
    const planned = await keys(...args, '--dry-run', '--json')
    expect(JSON.parse(planned.printed)).toMatchObject(ids.map((id) => ({ id })))
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe(text)
    expect(await keys(...args)).toEqual({ code: 0, printed, noted: 'with-auth: 2 keys removed\n' })
    const rest = (await listKeys(pathOf('keys.yaml'))).map(({ id }) => id)
    expect(rest).toEqual(['key_0', 'key_3'])
    expect((await keys('prune', '--older=0')).noted).toBe('with-auth: 1 key removed\n')
  })

  it('leaves the file alone if there is nothing to do', async () => {
    await create()
    const { mtimeMs, ino } = statSync(pathOf('keys.yaml'))
    const noted = 'with-auth: 0 keys removed\n'
    expect(await keys('prune', '--older', '1d')).toEqual({ code: 0, printed: '', noted })
    const json = { code: 0, printed: '[]\n', noted: '' }
    expect(await keys('prune', '--older', '1d', '--json')).toEqual(json)
    expect(statSync(pathOf('keys.yaml'))).toMatchObject({ mtimeMs, ino })
  })
})

describe.each(['revoke', 'rotate', 'remove'])('with-auth keys %s', (command) => {
  it.each([[], ['--json']])('hides a key given as an ID, %j', async (...more) => {
    const { key } = await create()
    const text = readFileSync(pathOf('keys.yaml'), 'utf8')
    const { code, printed, noted } = await keys(command, key, ...more)
    expect({ code, printed }).toEqual({ code: 1, printed: '' })
    expect(noted).toContain('hidden because it may be a key')
    expect(noted).toContain('with-auth keys list')
    expect(noted.includes('with-auth keys revoke -')).toBe(command === 'revoke')
    const secret = key.slice('withauth_'.length)
    const parts = Array.from({ length: 42 }, (_, index) => secret.slice(index, index + 8))
    expect(parts.filter((part) => noted.includes(part))).toEqual([])
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe(text)
  })

  it('rejects an unknown ID and a missing file', async () => {
    expect(await keys(command, 'key_none')).toMatchObject({
      code: 1,
      noted: `with-auth: --keys ${pathOf('keys.yaml')}: no such file: create it with "with-auth keys create"\n`,
    })
    await create()
    expect((await keys(command, 'key_none')).code).toBe(1)
  })
})
