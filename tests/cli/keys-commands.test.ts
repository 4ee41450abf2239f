import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysCommands } from '../../src/cli/keys-commands.ts'
import { main } from '../../src/cli/main.ts'
import { createSurroundings } from '../support/surroundings.ts'
import type { CreatedKey, KeyRecord } from '../../src/keys.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-keys-'))
  file = join(folder, 'keys.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function keys(...args: string[]) {
  const surroundings = createSurroundings()
  const code = await main(['keys', ...args], keysCommands, surroundings)
  return { code, printed: surroundings.printed(), noted: surroundings.noted() }
}

async function create(...args: string[]): Promise<CreatedKey> {
  const { printed } = await keys('create', '--keys', file, '--json', ...args)
  return JSON.parse(printed) as CreatedKey
}

describe('with-auth keys create', () => {
  it('prints the key alone to standard output, and keeps it nowhere', async () => {
    const { code, printed, noted } = await keys('create', '--keys', file, '--principal', 'alice')
    expect(code).toBe(0)
    expect(printed).toMatch(/^withauth_\w+\n$/)
    expect(noted).toMatch(/key_\w+ for alice; the key is not shown again/)
    expect(noted).not.toContain(printed.trim())
    expect(readFileSync(file, 'utf8')).not.toContain(printed.trim())
  })

  it('takes attributes, paths and an end', async () => {
    const attributes = [
      '--attribute',
      'roles=admin',
      '--attribute=roles=a=b',
      '--attribute=teams=x',
    ]
    const limits = ['--path', '/v1', '--path', '/v2', '--expires-in', '90d']
    const created = await create('--principal', 'bob', ...attributes, ...limits)
    expect(created).toMatchObject({
      principal: 'bob',
      attributes: { roles: ['admin', 'a=b'], teams: ['x'] },
      paths: ['/v1', '/v2'],
      status: 'active',
      expires: expect.stringMatching(/^\d{4}-/),
    })
    const ends = await create('--principal', 'c', '--expires-at', '2999-01-01T00:00:00Z')
    expect(ends.expires).toContain('2999-01-01')
  })

  it('prints as JSON what was made, with nothing that was not asked for', async () => {
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
    expect(rest).not.toHaveProperty('paths')
    expect(rest).not.toHaveProperty('expires')
    expect(readFileSync(file, 'utf8').match(/attributes/g)).toHaveLength(1)
  })

  it.each([
    [[], 2, '--principal NAME is missing'],
    [['--principal', 'a', 'sk-x'], 2, 'takes options only'],
    [['--principal', 'a', '--attribute', 'roles'], 2, '--attribute must be NAME=VALUE'],
    [['--principal', 'a', '--attribute', '=x'], 2, '--attribute must be NAME=VALUE'],
    [['--principal', 'a', '--attribute', '=a=b'], 2, '--attribute must be NAME=VALUE'],
    [['--principal', 'a', '--attribute', 'roles='], 2, '--attribute must be NAME=VALUE'],
    [['--principal', 'a', '--expires-in', 'soon'], 1, 'expiresIn'],
  ])('refuses %j', async (args, code, message) => {
    const result = await keys('create', '--keys', file, ...args)
    expect(result).toMatchObject({ code, printed: '' })
    expect(result.noted).toContain(message)
  })

  it('wants a file', async () => {
    const result = await keys('create', '--principal', 'a')
    expect(result).toMatchObject({ code: 2, noted: 'with-auth: --keys FILE is missing\n' })
  })
})

describe('with-auth keys list', () => {
  it('shows what opens nothing', async () => {
    const { key, id } = await create('--principal', 'al\u001B[31mice', '--path', '/v1').catch(() =>
      create('--principal', 'ali\u202Ece', '--path', '/v1'),
    )
    const { code, printed } = await keys('list', '--keys', file)
    expect(code).toBe(0)
    expect(printed).toMatch(/^ID +STATUS +PRINCIPAL +BEGINS WITH +EXPIRES +PATHS\n/)
    expect(printed).toContain(id)
    expect(printed).toMatch(/^[\x20-\x7e\n]+$/)
    expect(printed).not.toContain(key)
    const json = await keys('list', '--keys', file, '--json')
    const [record] = JSON.parse(json.printed) as KeyRecord[]
    expect(record).toMatchObject({ id, status: 'active', paths: ['/v1'] })
    expect(json.printed).not.toMatch(/[\da-f]{64}/)
  })

  it('is a table as wide as what is in it', async () => {
    const ends = ['--expires-at', '2999-01-01T00:00:00Z', '--path', '/v1', '--path', '/v2']
    const one = await create('--principal', 'somebody with a long name', ...ends)
    const two = await create('--principal', 'ali\u202Ece', '--path', '/b')
    await keys('revoke', two.id, '--keys', file)
    const [a, b] = [one.key.slice(0, 15), two.key.slice(0, 15)]
    expect(await keys('list', '--keys', file)).toEqual({
      code: 0,
      noted: '',
      printed: [
        `ID                STATUS   PRINCIPAL                  BEGINS WITH      EXPIRES               PATHS`,
        `${one.id}  active   somebody with a long name  ${a}  2999-01-01T00:00:00Z  /v1 /v2`,
        `${two.id}  revoked  "ali?ce"                   ${b}                        /b`,
        '',
      ].join('\n'),
    })
  })

  it('says so when there are none', async () => {
    writeFileSync(file, 'keys: []\n')
    const printed = 'There are no keys.\n'
    expect(await keys('list', '--keys', file)).toEqual({ code: 0, printed, noted: '' })
    const { id } = await create('--principal', 'a')
    await keys('revoke', id, '--keys', file)
    expect((await keys('list', '--keys', file)).printed).toMatch(/revoked/)
    expect((await keys('list', '--keys', join(folder, 'lost.yaml'))).code).toBe(1)
  })
})

describe('with-auth keys revoke', () => {
  it('revokes a key by its id', async () => {
    const { id } = await create('--principal', 'alice')
    expect(await keys('revoke', id, '--keys', file)).toEqual({
      code: 0,
      printed: '',
      noted: `with-auth: ${id} of alice is revoked\n`,
    })
    const { printed } = await keys('revoke', id, '--keys', file, '--json')
    expect(JSON.parse(printed)).toMatchObject({ id, status: 'revoked' })
  })

  it.each(['list', 'revoke', 'create'])('wants a file for %s', async (command) => {
    const operands = command === 'revoke' ? ['key_a'] : []
    expect(await keys(command, ...operands)).toEqual({
      code: 2,
      printed: '',
      noted: 'with-auth: --keys FILE is missing\n',
    })
  })

  it('fails for one that is not there, and wants an id', async () => {
    await create('--principal', 'alice')
    expect((await keys('revoke', 'key_none', '--keys', file)).code).toBe(1)
    expect(await keys('revoke', '--keys', file)).toMatchObject({
      code: 2,
      noted: 'with-auth: ID is missing\n',
    })
  })
})
