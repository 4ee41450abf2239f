import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { createKey, sqliteKeys } from '../../../src/keys.ts'
import { tellSkipped } from '../../support/installed.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { COMMANDS } from '../../../src/cli/main.ts'
import { runLine } from '../../support/surroundings.ts'
import { createExplain } from '../support/explained.ts'

const inFolder = setupFolder()
const { explain, run } = createExplain(inFolder)

const MISSING =
  process.getBuiltinModule('node:sqlite') === undefined
    ? tellSkipped('node:sqlite needs Node 22.13 or later')
    : undefined

it.skipIf(MISSING !== undefined)(
  `opens a SQLite file once, so that this process keeps its locks ${MISSING ?? ''}`,
  async () => {
    const file = inFolder('keys.db')
    const store = sqliteKeys(file, { create: true })
    const { key, id } = await createKey(store, { principal: 'bob' })
    const { providers } = await explain(`provider_config: { type: api_keys, file: "${file}" }`, key)
    expect(providers).toMatchObject([{ result: 'allowed', apiKey: { record: { id } } }])
    // Only a process that has the file alone can lock all of it.
    const script = `new (require('node:sqlite').DatabaseSync)('${file}').exec('pragma locking_mode = exclusive; begin exclusive')`
    const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect(stderr).toContain('database is locked')
    await store.close?.()
  },
)

it.skipIf(MISSING !== undefined)(
  `calls a SQLite file without its table wrong usage, by both flags ${MISSING ?? ''}`,
  async () => {
    const file = inFolder('empty.db')
    const store = sqliteKeys(file, { create: true })
    await store.close?.()
    const script = `new (require('node:sqlite').DatabaseSync)('${file}').exec('drop table withauth_keys')`
    spawnSync(process.execPath, ['-e', script])
    const line = ['explain', '--path', '/v1', '--keys', file]
    const byFlag = await runLine(line, COMMANDS, {}, 'some-token')
    expect([byFlag.code, byFlag.printed]).toEqual([2, ''])
    const byFile = await run(`provider_config: { type: api_keys, file: "${file}" }`, 'some-token')
    expect([byFile.code, byFile.printed]).toEqual([2, ''])
    for (const { noted } of [byFlag, byFile])
      expect(noted).toContain('no such table: withauth_keys')
  },
)
