import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { OutputError } from '../../../src/cli/surroundings.ts'
import { createKey, listKeys, revokeKey } from '../../../src/keys.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { generateKey } from '../../../src/keys/secret.ts'
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
    const { key: _, ...shown } = old
    expect(new Set(Object.keys(rotated))).toEqual(new Set([...Object.keys(old), 'replaces']))
    const ended = { status: 'expired', expires: expect.any(String) as string }
    expect(rotated.replaces).toEqual({ ...shown, ...ended, successor: rotated.id })
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

describe('a result that cannot be written', () => {
  const REVOKED = '. key_1 is revoked in FILE'
  it.each([
    ['create --principal bob', '. The new key was removed from FILE'],
    ['revoke key_1 --json', REVOKED],
    ['revoke - --json', REVOKED],
    ['revoke --principal alice --json', '. The keys are revoked in FILE'],
    ['remove key_1 --json', '. key_1 is no longer in FILE'],
    ['prune --older 0', '. The removed keys are no longer in FILE'],
    ['prune --older 0 --dry-run', ''],
    ['prune --older 90d', ''],
  ])('fails, and says what is done: keys %s', async (line, done) => {
    const revoked = new Date().toISOString()
    writeFileSync(pathOf('keys.yaml'), keysText(entry('key_1'), entry('key_2', { revoked })))
    const full = new OutputError(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    const flush = (): Promise<void> => Promise.reject(full)
    const surroundings = { ...createSurroundings({}, 'key_1'), flush }
    const args = ['keys', ...line.split(' '), '--keys', pathOf('keys.yaml')]
    expect(await main(args, COMMANDS, surroundings)).toBe(1)
    const [message] = /Cannot write[^"\n]*/.exec(surroundings.noted()) ?? []
    expect(message?.replace(pathOf('keys.yaml'), 'FILE')).toBe(
      `Cannot write to standard output: ENOSPC${done}`,
    )
  })
})

function check(input: string, ...args: readonly string[]) {
  const line = ['keys', 'check', ...args, '--keys', pathOf('keys.yaml')]
  return runLine(line, COMMANDS, {}, input)
}

const bob = { principal: 'bob' }
const CUT = 'withauth_HjbyMuJnqiNXMVCrSVFd37Zm1hgKODiexYkOLBfAmQh1qi'

it.each([
  [{}, 'mine', 'valid, principal alice'],
  [
    { ...bob, expires: '2999-01-02', paths: ['/'] },
    'mine',
    'valid until 2 January 2999, principal bob, limited to /*',
  ],
  [
    { ...bob, revoked: '2026-11-29T23:59:59Z', paths: ['/v1'] },
    ' mine\n',
    'revoked on 29 November 2026, principal bob, limited to /v1/*',
  ],
  [
    { revoked: '2026-11-29T01:00:00+02:00' },
    'mine',
    'revoked on 28 November 2026, principal alice',
  ],
  [{ revoked: true }, 'mine', 'revoked, principal alice'],
  [
    { ...bob, expires: '2025-12-31', paths: ['/v1', '/v2/x'] },
    'mine',
    'expired on 31 December 2025, principal bob, limited to /v1/* and /v2/x/*',
  ],
  [{}, CUT, 'malformed: a part of the key is missing or was changed'],
  [{}, 'yours', 'unknown: no key here has this value'],
])('says of the key %j with the input %j: %s', async (fields, input, line) => {
  writeFileSync(pathOf('keys.yaml'), keysText(entry('mine', fields)))
  const code = line.startsWith('valid') ? 0 : 1
  expect(await check(input, '-')).toEqual({ code, printed: `${line}\n`, noted: '' })
})

it('prints JSON with the record of the key and without its hash', async () => {
  const file = pathOf('keys.yaml')
  const { key, ...record } = await createKey(file, { principal: 'bob', paths: ['/v1'] })
  const { code, printed } = await check(key, '-', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(printed)).toEqual({ valid: true, ...record })
  const unknown = await check('yours', '-', '--json')
  expect(unknown).toMatchObject({ code: 1, printed: '{"valid":false,"detail":"unknown"}\n' })
})

it('is told a key on standard input alone, and shows none', async () => {
  const key = generateKey()
  writeFileSync(pathOf('keys.yaml'), keysText(entry('mine')))
  const refused = await check('mine', key)
  expect(refused).toMatchObject({ code: 2, printed: '' })
  expect(refused.noted).toContain(
    'with-auth: Give the key on standard input, because other users of the machine can read the command line: with-auth keys check - --keys FILE < key.txt\n',
  )
  for (const [input, ...args] of [
    [`${key} ${key}`, '-'],
    ['', '-'],
    ['mine'],
    ['mine', '-', key],
  ] as const) {
    const { code, printed, noted } = await check(input, ...args)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).not.toContain(key)
  }
  expect((await check(key, '-')).printed).toMatch(/^unknown/)
})

it('keys show: prints what is stored about a key, and no secret', async () => {
  const file = pathOf('keys.yaml')
  const created = await createKey(file, {
    principal: 'b\u202eob',
    name: 'Bob\u202e’s laptop',
    tenant: 'acme',
    attributes: { roles: ['admin', 'dev'], 'te am': ['red'] },
    paths: ['/v1', '/v2'],
    expiresAt: '2999-01-01',
  })
  const { id, key, ...record } = created
  const show = (...args: string[]) => keys('show', ...args)
  expect(await show(id)).toEqual({
    code: 0,
    noted: '',
    printed: `id           ${id}
status       active
principal    "b?ob"
name         Bob\\u202e’s laptop
tenant       acme
paths        /v1 /v2
created      ${record.created}
expires      2999-01-01T00:00:00Z
attributes   roles=admin,dev te am=red
begins with  ${record.prefix}
last used    never
checks       0 today, 0 in 7 days, 0 in 30 days (UTC; a request that a cache answers is not counted)
attention    never used
`,
  })
  expect(JSON.parse((await show(id, '--json')).printed)).toMatchObject({ id, ...record })
  for (const wrong of [key, 'none']) {
    const { code, printed, noted } = await show(wrong)
    expect({ code, printed }).toEqual({ code: 1, printed: '' })
    expect(noted).toContain('There is no key with this id (hidden because it may be a key)')
    expect(noted).toContain('"with-auth keys list" shows the ids')
    expect(noted).not.toContain(key)
  }
})
