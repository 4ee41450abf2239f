import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { generateKey } from '../../../src/keys/secret.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const inFolder = setupFolder()

function check(input: string, ...args: readonly string[]) {
  const line = ['keys', 'check', ...args, '--keys', inFolder('keys.yaml')]
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
  writeFileSync(inFolder('keys.yaml'), keysText(entry('mine', fields)))
  const code = line.startsWith('valid') ? 0 : 1
  expect(await check(input, '-')).toEqual({ code, printed: `${line}\n`, noted: '' })
})

it('prints JSON with the record of the key and without its hash', async () => {
  const file = inFolder('keys.yaml')
  const { key, ...record } = await createKey(file, { principal: 'bob', paths: ['/v1'] })
  const { code, printed } = await check(key, '-', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(printed)).toEqual({ valid: true, ...record })
  const unknown = await check('yours', '-', '--json')
  expect(unknown).toMatchObject({ code: 1, printed: '{"valid":false,"detail":"unknown"}\n' })
})

it('is told a key on standard input alone, and shows none', async () => {
  const key = generateKey()
  writeFileSync(inFolder('keys.yaml'), keysText(entry('mine')))
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
  const file = inFolder('keys.yaml')
  const created = await createKey(file, {
    principal: 'b\u202eob',
    name: 'Bob\u202e’s laptop',
    tenant: 'acme',
    attributes: { roles: ['admin', 'dev'], 'te am': ['red'] },
    paths: ['/v1', '/v2'],
    expiresAt: '2999-01-01',
  })
  const { id, key, ...record } = created
  const show = (...args: readonly string[]) =>
    runLine(['keys', 'show', ...args, '--keys', file], COMMANDS)
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
