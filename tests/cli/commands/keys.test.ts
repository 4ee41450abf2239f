import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { CreatedKey, KeyRecord } from '../../../src/keys.ts'

const inFolder = setupFolder()
const file = (): string => inFolder('keys.yaml')

function keys(command: string, ...args: string[]) {
  return keysWithInput('', command, ...args)
}

function keysWithInput(input: string, command: string, ...args: string[]) {
  const line = ['keys', command, '--keys', file(), ...args]
  return runLine(line, COMMANDS, {}, input)
}

async function create(...args: string[]): Promise<CreatedKey> {
  const { printed } = await keys('create', '--json', ...args)
  return JSON.parse(printed) as CreatedKey
}

describe('with-auth keys create', () => {
  it('prints the key once, and stores only its hash', async () => {
    const { code, printed, noted } = await keys('create', '--principal', 'alice')
    expect(code).toBe(0)
    expect(printed).toMatch(/^withauth_\w+\n$/)
    expect(noted).toMatch(/key_\w+ for alice; the key is shown only once/)
    expect(noted).not.toContain(printed.trim())
    expect(readFileSync(file(), 'utf8')).not.toContain(printed.trim())
  })

  it('accepts attributes, a tenant, paths and an expiry', async () => {
    const attributes = ['roles=admin', 'roles=a=b', 'teams=x'].map((one) => `--attribute=${one}`)
    const limits = ['--tenant', 'acme', '--path', '/v1', '--path', '/v2', '--expires-in', '90d']
    const created = await create('--principal', 'bob', ...attributes, ...limits)
    expect(created).toMatchObject({
      principal: 'bob',
      tenant: 'acme',
      attributes: { roles: ['admin', 'a=b'], teams: ['x'] },
      paths: ['/v1', '/v2'],
      status: 'active',
      expires: expect.stringMatching(/^\d{4}-/),
    })
    const ends = await create('--principal', 'c', '--expires-at', '2999-01-01T00:00:00Z')
    expect(ends.expires).toContain('2999-01-01')
  })

  it('prints the new key as JSON, without fields that were not given', async () => {
    const created = await create('--principal', 'alice', '--attribute', 'note=two\nlines')
    expect(created).toEqual({
      id: expect.stringMatching(/^key_[a-z2-7]{12}$/),
      key: expect.stringMatching(/^withauth_[\dA-Za-z]{49}$/),
      prefix: created.key.slice(0, 15),
      principal: 'alice',
      attributes: { note: ['two\nlines'] },
      status: 'active',
      created: expect.stringMatching(/^\d{4}-/),
    })
    const { attributes, ...rest } = await create('--principal', 'alice')
    expect(attributes).toEqual({})
    expect(rest).not.toHaveProperty('tenant')
    expect(rest).not.toHaveProperty('paths')
    expect(rest).not.toHaveProperty('expires')
    expect(readFileSync(file(), 'utf8').match(/attributes/g)).toHaveLength(1)
  })

  it.each([
    [['role=admin'], 'role'],
    [['Roles=admin', 'team=red'], 'Roles'],
    [['roles=admin', 'role=b'], undefined],
    [['roles=admin'], undefined],
    [['rules=x', 'payroles=x', 'rolesets=x'], undefined],
  ])(
    'with --attribute %j says on standard error whether "roles" may be meant',
    async (pairs, name) => {
      const attributes = pairs.flatMap((pair) => ['--attribute', pair])
      for (const more of [[], ['--json']]) {
        const { code, noted } = await keys('create', '--principal', 'alice', ...attributes, ...more)
        expect(code).toBe(0)
        const warning = `with-auth: the key has the attribute "${name}". Is "roles" meant, which access({ roles }) reads? Then revoke the key, and create one with --attribute roles=...\n`
        expect(noted.endsWith(warning)).toBe(name !== undefined)
        expect(noted.includes('--attribute')).toBe(name !== undefined)
      }
    },
  )

  it('reports a key that is still in the file after a failed undo', async () => {
    let text = ''
    const breakFile = (): Promise<void> => {
      text = readFileSync(file(), 'utf8')
      writeFileSync(file(), 'keys: [')
      return Promise.reject(new Error('No space'))
    }
    const surroundings = { ...createSurroundings(), flush: breakFile }
    const args = ['keys', 'create', '--keys', file(), '--principal', 'alice']
    expect(await main(args, COMMANDS, surroundings)).toBe(1)
    const [id = 'none'] = /key_\w+/.exec(text) ?? []
    expect(surroundings.noted()).toContain(
      `with-auth: No space. The new key ${id} is still in ${file()}: revoke it\n`,
    )
  })
})

describe('the file of --keys', () => {
  const run = (name: string, ...words: string[]) =>
    runLine(['keys', ...words, '--keys', inFolder(name)], COMMANDS)

  it('is YAML if it is not empty, or has the name of no database', async () => {
    writeFileSync(inFolder('keys.db'), keysText(entry('k1')))
    expect((await run('keys.db', 'list')).printed).toContain('\nk1  alice')
    expect((await run('keys.db.yaml', 'create', '--principal', 'bob')).code).toBe(0)
    expect(readFileSync(inFolder('keys.db.yaml'), 'utf8')).toContain('principal: bob')
  })

  it
    .skipIf(process.getBuiltinModule('node:sqlite') === undefined)
    .each(['keys.db', 'keys.SQLITE', 'keys.sqlite3'])(
    'is made as a database of SQLite: %s',
    async (name) => {
      expect((await run(name, 'create', '--principal', 'alice')).code).toBe(0)
      expect(readFileSync(inFolder(name), 'latin1')).toMatch(/^SQLite format 3\0/)
      expect((await run(name, 'list')).printed).toContain('  alice  ')
    },
  )
})

describe('with-auth keys list', () => {
  it('aligns the table, and shows no secret', async () => {
    const soon = ['--expires-in', '9d', '--attribute', 'roles=admin', '--attribute', 'roles=dev']
    const one = await create('--principal', 'principal with a long name', ...soon)
    const two = await create('--principal', 'ali\u202Ece', '--attribute', 'roles=\u001B[31m')
    await keys('revoke', two.id)
    expect(await keys('list')).toEqual({
      code: 0,
      noted: '',
      printed: [
        `ID                PRINCIPAL                 ROLES         AGE  LAST USED  STATUS`,
        `${one.id}  principal with a long n…  admin,dev     now  never      active, expires in 8 d, never used`,
        `${two.id}  "ali?ce"                  "\\u001b[31m"  now  never      revoked`,
        '',
      ].join('\n'),
    })
    const { printed } = await keys('show', one.id)
    expect(printed).toContain('attention    expires in 8 d, never used\n')
    const json = await keys('list', '--json')
    expect(JSON.parse(json.printed)).toMatchObject([{ id: one.id, status: 'active' }, {}])
    expect(json.printed).not.toContain(one.key)
    expect(json.printed).not.toMatch(/[\da-f]{64}/)
  })

  it('shows the names and the tenants, if a key has one', async () => {
    const hostile = `a\u202E\u200B"<b>'${'x'.repeat(60)}`
    const one = await create('--principal', 'alice', '--tenant', 'acme', '--name', hostile)
    const two = await create('--principal', 'bob')
    expect((await keys('list')).printed).toBe(
      [
        String.raw`ID                NAME                      PRINCIPAL  TENANT  ROLES  AGE  LAST USED  STATUS`,
        String.raw`${one.id}  a\u202e\u200b"<b>'xxxxx…  alice      acme    -      now  never      active, never used`,
        String.raw`${two.id}  -                         bob        -       -      now  never      active, never used`,
        '',
      ].join('\n'),
    )
    const { printed } = await keysWithInput(one.key, 'check', '-')
    expect(printed).toBe('valid, principal alice, tenant acme\n')
  })

  it('shows the age and the last use, and has all of it in JSON', async () => {
    const now = Date.now()
    const at = (ms: number): string => new Date(now - ms).toISOString()
    const day = 86_400_000
    const made = [200 * day, 3 * 3_600_000, 120_000, day]
    const entries = made.map((ms, index) => entry(`k${index}`, { created: at(ms) }))
    writeFileSync(file(), keysText(...entries))
    const uses = [95 * day, 7_200_000, 0].map((ms, index) => ({
      id: `k${index}`,
      day: at(ms).slice(0, 10),
      checks: 5,
      lastUsed: at(ms),
    }))
    writeFileSync(`${file()}.usage`, JSON.stringify({ uses, merged: [] }))
    const { printed } = await keys('list')
    expect(printed.split('\n')).toEqual([
      'ID  PRINCIPAL  ROLES  AGE    LAST USED  STATUS',
      'k0  alice      -      200 d  95 d ago   active, unused for 90 days',
      'k1  alice      -      3 h    2 h ago    active',
      'k2  alice      -      2 min  now        active',
      'k3  alice      -      1 d    never      active, never used',
      '',
    ])
    const found = JSON.parse((await keys('list', '--json')).printed) as object[]
    expect(found[2]).toMatchObject({
      id: 'k2',
      lastUsed: at(0),
      checks: { today: 5, last7Days: 5, last30Days: 5 },
      attention: [],
    })
    expect(found[0]).toMatchObject({ attention: ['unused'] })
    expect((await keys('show', 'k2')).printed.replace(/ \(UTC.*/, '')).toBe(`id           k2
status       active
principal    alice
created      ${made.map(at)[2]}
last used    ${at(0)}
checks       5 today, 5 in 7 days, 5 in 30 days
`)
  })

  it('lists the keys, and says why their use is unknown', async () => {
    writeFileSync(file(), keysText(entry('k1')))
    writeFileSync(`${file()}.usage`, '{')
    const { code, printed, noted } = await keys('list')
    expect({ code, printed, noted }).toEqual({
      code: 0,
      printed: `ID  PRINCIPAL  ROLES  AGE  LAST USED  STATUS\nk1  alice      -      -    unknown    active\n`,
      noted: `with-auth: the use of the keys is unknown: ${file()}.usage does not hold the use of keys. Remove it: the counts in it are lost\n`,
    })
  })

  it('lists a whole file, and says only after a full page how to get the next one', async () => {
    const entries = Array.from({ length: 100 }, (_, index) => entry(`k${index + 100}`))
    writeFileSync(file(), keysText(...entries))
    expect((await keys('list')).noted).toBe('')
    const noted = 'with-auth: for more keys add --after k198\n'
    expect((await keys('list', '--limit', '99')).noted).toBe(noted)
  })

  it('handles an empty file', async () => {
    writeFileSync(file(), 'keys: []\n')
    const printed = 'There are no keys.\n'
    expect(await keys('list')).toEqual({ code: 0, printed, noted: '' })
    const { id } = await create('--principal', 'a')
    await keys('revoke', id)
    expect((await keys('list')).printed).toMatch(/revoked/)
  })
})

describe('with-auth keys export', () => {
  // It is shorter than its export, since almost nothing is in quotes.
  const write = (length: number): void => {
    const abouts = [...Array.from({ length: 257 }, () => 8000), length].map((of) => 'x'.repeat(of))
    const entries = abouts.map((about, index) => {
      const sha256 = String(index).padStart(64, '0')
      return `{id: k${index}, principal: a, attributes: {about: [${about}]}, sha256: "${sha256}"}`
    })
    writeFileSync(file(), keysText(...entries))
  }

  it.each([
    [[], 'it is for "with-auth keys import"'],
    [['--json'], 'to import it, leave out --json'],
  ])('with %j says if its output is too long for a key file', async (args, advice) => {
    write(1)
    const { printed } = await keys('export', ...args)
    const longest = 1 + 2 ** 21 - printed.length
    write(longest)
    expect(await keys('export', ...args)).toMatchObject({ code: 0, noted: '' })
    write(longest + 1)
    expect((await keys('export', ...args)).noted).toBe(
      `with-auth: the output is longer than a key file may be (2097152 bytes): ${advice}\n`,
    )
  })

  it('keys import alone reads a file that is too long for a key file', async () => {
    write(8000)
    expect((await keys('list')).noted).toContain('it is longer than 2097152 bytes')
    expect((await keys('import', file())).noted).toContain(
      'with-auth: --keys must be a database such as keys.db or env:NAME ("with-auth keys export" prints a key file)',
    )
  })
})

describe('with-auth keys revoke', () => {
  it('says how many keys of a principal are revoked', async () => {
    for (const name of ['alice', 'bob', 'bob']) await create('--principal', name)
    const revoke = async (name: string) => (await keys('revoke', '--principal', name)).noted
    expect(await revoke('alice')).toBe('with-auth: the only key of alice is revoked\n')
    expect(await revoke('bob')).toBe('with-auth: all 2 keys of bob are revoked\n')
  })

  it('revokes by id', async () => {
    const { id } = await create('--principal', 'alice')
    expect(await keys('revoke', id)).toEqual({
      code: 0,
      printed: '',
      noted: `with-auth: ${id} of alice is revoked\n`,
    })
    const { printed } = await keys('revoke', id, '--json')
    expect(JSON.parse(printed)).toMatchObject({ id, status: 'revoked' })
  })

  it('reads the key from standard input, with any line ending', async () => {
    for (const end of ['', '\n', '\r\n']) {
      const { id, key } = await create('--principal', 'alice')
      const result = await keysWithInput(`${key}${end}`, 'revoke', '-')
      const noted = `with-auth: ${id} of alice is revoked\n`
      expect(result).toEqual({ code: 0, printed: '', noted })
    }
    const { printed } = await keys('list', '--json')
    const statuses = (JSON.parse(printed) as KeyRecord[]).map(({ status }) => status)
    expect(statuses).toEqual(['revoked', 'revoked', 'revoked'])
  })

  it('hides an unknown key from standard input', async () => {
    const { key } = await create('--principal', 'alice')
    const { code, noted } = await keysWithInput(`${key}0`, 'revoke', '-')
    expect(code).toBe(1)
    expect(noted).toBe(`with-auth: There is no such key in ${file()}\n`)
    expect((await keys('list')).printed).toContain('active')
  })
})
