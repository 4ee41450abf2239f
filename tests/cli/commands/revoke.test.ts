import { createHash } from 'node:crypto'
import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { revokeCommand } from '../../../src/cli/commands/revoke.ts'
import { connectLiveGuard, pause, stopGuards, until } from '../../support/connected-guards.ts'
import { findFreePort } from '../../support/loopback.ts'
import { ENGINES, startEngine, stopEngines, writeStoreConfig } from '../../support/redis-servers.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Verdict } from '../../../src/index.ts'
import type { RunningEngine } from '../../support/redis-servers.ts'

const pathOf = setupFolder()
const KEY = 'key-of-alice-k7vq2xw9mz4'
const [engineName] = ENGINES

const configFor = (url?: string): string => writeStoreConfig(pathOf('run.yaml'), url)

function revoke(args: readonly string[], input = '') {
  return runLine(['revoke', ...args], [revokeCommand], {}, input)
}

describe('with-auth revoke', () => {
  it('exits 1 without a store, or without an acknowledgement', async () => {
    const without = await revoke(['--config', configFor()], KEY)
    expect(without).toMatchObject({
      code: 1,
      noted: expect.stringMatching(/no server.auth.store/) as unknown,
    })
    const file = configFor(`redis://127.0.0.1:${await findFreePort()}`)
    const unacknowledged = await revoke(['--config', file, '--timeout-ms=300'], KEY)
    expect(unacknowledged.noted).toMatch(
      /has not acknowledged the revocation \(ECONNREFUSED\)\. Try again/,
    )
    expect(unacknowledged.code).toBe(1)
  })
})

describe.skipIf(engineName === undefined)('with-auth revoke on a real engine', () => {
  let engine: RunningEngine
  beforeAll(async () => {
    engine = await startEngine(engineName ?? 'valkey')
  })
  afterEach(stopGuards)
  afterAll(stopEngines)

  it('says why the engine refuses it', async () => {
    const client = await createClient({ url: engine.url }).connect()
    await client.sendCommand(['ACL', 'SETUSER', 'default', 'resetpass', '>right', 'on'])
    const refused = await revoke(['--config', configFor(engine.url), '--timeout-ms=1000'], KEY)
    await client.sendCommand(['ACL', 'SETUSER', 'default', 'nopass'])
    client.destroy()
    expect(refused).toMatchObject({
      code: 1,
      noted: expect.stringMatching(
        /\(NOAUTH\)\. The store cannot be used: .*"url"\. Try again/,
      ) as unknown,
    })
  })

  it('names the newest reason', { tags: ['slow'] }, async () => {
    const own = await startEngine(engineName ?? 'valkey')
    own.pause()
    const revoking = revoke(['--config', configFor(own.url), '--timeout-ms=6000'], KEY)
    // The store counts as lost by then, because nothing answers.
    await pause(2000)
    await own.kill()
    expect(await revoking).toMatchObject({
      code: 1,
      noted: expect.stringContaining('(ECONNREFUSED). Try again') as unknown,
    })
  })

  it.each([
    ['the key on standard input', [], ` ${KEY}\n`],
    ['its hash', ['--sha256', createHash('sha256').update(KEY).digest('hex')], ''],
    ['--all', ['--all', '--json'], ''],
  ])('ends the decisions of a running instance by %s', async (_by, args, input) => {
    let verdict: Verdict = { outcome: 'allow' }
    const guard = await connectLiveGuard(() => verdict, { url: engine.url })
    expect(await guard.ask(KEY)).toMatchObject({ outcome: 'allow' })
    verdict = { outcome: 'deny' }
    const { code, printed } = await revoke(['--config', configFor(engine.url), ...args], input)
    expect(code).toBe(0)
    expect(printed).toBe(
      args.includes('--json') ? '{"revoked":true}\n' : 'The store has the revocation.\n',
    )
    await until(async () => (await guard.ask(KEY)).outcome === 'deny')
  })
})
