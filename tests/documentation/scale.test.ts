/** @module-tag slow */
import { createClient } from '@redis/client'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectLiveGuard, SECRET, stopGuards } from '../support/connected-guards.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { pageNamed } from './pages.ts'
import type { Verdict } from '../../src/index.ts'
import type { RunningEngine } from '../support/redis-servers.ts'

/** The users of the engine and the recipe of `docs/scale.md` work as written. */

const { fences } = pageNamed('docs/scale.md')
const codeWith = (part: string): string =>
  fences.find(({ code }) => code.includes(part))?.code ?? ''
const USERS = codeWith('user app')
const RECIPE = codeWith('valkey-cli')

afterEach(stopGuards)

describe.each(ENGINES)('%s with the users of the page', (name) => {
  const file = setupFolder()
  let engine: RunningEngine
  beforeAll(async () => {
    engine = await startEngine(name)
    const acl = join(engine.folder, 'users.acl')
    writeFileSync(acl, `user default off\nuser admin on nopass +@all\n${USERS}`)
    await engine.kill()
    engine = await startEngine(name, { ...engine, args: ['--aclfile', acl] })
  })
  afterAll(() => engine.stop())

  it('lets instances share allows, and the recipe revokes them', async () => {
    let verdict: Verdict = { outcome: 'allow', principal: 'alice' }
    const url = engine.url.replace('//', '//app:PASSWORD@')
    const options = { url, shareVerdicts: true, secret: SECRET, timeoutMs: 5000 }
    const one = await connectLiveGuard(() => verdict, options)
    const other = await connectLiveGuard(() => verdict, options)
    expect((await one.ask()).cache).toBe('miss')
    await expect.poll(async () => (await other.ask()).cache).toBe('hit')
    expect(
      other.events.filter((event) => 'cache' in event && event.cache === 'remote'),
    ).toHaveLength(1)
    verdict = { outcome: 'deny' }
    const recipe = file('revoke.sh')
    writeFileSync(recipe, RECIPE.replaceAll('valkey-cli', `${name}-cli`))
    const env = {
      PATH: process.env['PATH'],
      TOKEN: 'token-of-alice',
      REDIS_URL: engine.url.replace('//', '//revoker:PASSWORD@'),
    }
    const printed = execFileSync('sh', [recipe], { env, encoding: 'utf8', stdio: 'pipe' })
    // The number of instances that were told.
    expect(printed).toMatch(/OK\n2\n$/)
    await expect.poll(async () => (await one.ask()).outcome).toBe('deny')
    await expect.poll(async () => (await other.ask()).outcome).toBe('deny')
    expect([...one.events, ...other.events].filter(({ type }) => type === 'warning')).toEqual([])
  })

  it('names both connections, so that `CLIENT LIST` shows what they are for', async () => {
    const url = engine.url.replace('//', '//app:PASSWORD@')
    await connectLiveGuard(() => ({ outcome: 'allow' }), { url })
    const client = await createClient({ url: engine.url.replace('//', '//admin:any@') }).connect()
    const list = JSON.stringify(await client.sendCommand(['CLIENT', 'LIST']))
    client.destroy()
    const connections = list.split('\\n').filter((line) => line.includes(' user=app '))
    const names = connections.map((line) => / name=(\S*) .* sub=(\d)/.exec(line)?.slice(1))
    expect(names).toHaveLength(2)
    expect(names).toContainEqual(['with-auth:commands', '0'])
    expect(names).toContainEqual(['with-auth:messages', '2'])
  })
})
