import { createClient } from '@redis/client'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { ENGINES } from '../support/redis-servers.ts'
import { FAULTS } from './faults.ts'
import { REVOCATION_MS } from './fleet.ts'
import { createScene, SECRET, send, TOKEN } from './scene.ts'
import type { Scene } from './scene.ts'

/** Processes of the package before real engines. */

// By day one engine is enough: the other tests of the store run with both.
const TESTED = IS_NIGHTLY ? ENGINES : ENGINES.slice(-1)
const SLOW = { tags: ['slow'], timeout: 120_000 }

describe.each(TESTED)('%s', (name) => {
  let scene: Scene
  beforeEach(() => {
    scene = createScene(name)
  })
  afterEach(() => scene.stop())

  it.each(Object.entries(FAULTS))(
    'a revoked token gets in for less than `revocationMs` when %s',
    SLOW,
    async (_title, run) => {
      expect(await run(scene)).toBeLessThan(REVOCATION_MS)
    },
  )

  it(
    'holds no token, no principal and no secret, nor eight characters of a token',
    SLOW,
    async () => {
      const engine = await scene.engine({ args: ['--rdbcompression', 'no'] })
      const fleet = await scene.fleet(engine.url)
      fleet.deny(TOKEN)
      await fleet.revoke(TOKEN)
      fleet.allow(TOKEN)
      await fleet.allowed(TOKEN, await fleet.revoke())
      await send(engine, 'SAVE')
      const dump = readFileSync(join(engine.folder, 'dump.rdb'), 'latin1')
      const keys = await createClient({ url: engine.url }).connect()
      const names = await keys.keys('*')
      keys.destroy()
      // Fences, a decision and heartbeats: a dump of nothing would hold no token either.
      expect(names.map((key) => key.replace(/^(with-auth:\w):.*$/, '$1'))).toEqual(
        expect.arrayContaining(['with-auth:f', 'with-auth:v', 'with-auth:b']),
      )
      expect(names.filter((key) => !dump.includes(key))).toEqual([])
      const parts = Array.from({ length: TOKEN.length - 7 }, (_, at) => TOKEN.slice(at, at + 8))
      expect([...parts, SECRET, 'alice'].filter((part) => dump.includes(part))).toEqual([])
    },
  )
})
