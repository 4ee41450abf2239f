import { createClient } from '@redis/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENGINES, startEngine, stopEngines } from '../../support/redis-servers.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { RedisClientType } from '@redis/client'

/** What `with-auth check --config` says about a store. */

const inFolder = setupFolder()
const check = createCheck(inFolder)
afterAll(stopEngines)

const RIGHTS =
  '~with-auth:* &with-auth:bus &with-auth:bus:* +hello +auth +ping +info +mget +get +set +multi +exec +discard +publish +subscribe +unsubscribe +client|setname +client|id'

const NOT_IN =
  'error: The store cannot be used: the user of the engine lacks a right: see the ACL in the documentation.'

/** What is said about the store at a URL, beside an endpoint that is good. */
async function checkStore(url: string, more = '', timeoutMs = 5000) {
  const endpoint = await startService(({ body }) => ({
    status: body.endsWith('}') ? 401 : 400,
    headers: { 'cache-control': 'max-age=30' },
  }))
  const { code, printed } = await check(
    `endpoint: http://127.0.0.1:${endpoint.port}/
cache: {}
context: { headers: [] }
store:
  url: ${url}
${more}`,
    [`--timeout-ms=${timeoutMs}`],
  )
  return {
    code,
    says: printed.slice(printed.indexOf('run.yaml:7:')).split('\n').slice(0, -2).join('\n'),
  }
}

describe.each(ENGINES)('a store in %s', (name) => {
  let url = ''
  let client: RedisClientType
  beforeAll(async () => {
    ;({ url } = await startEngine(name))
    client = createClient({ url })
    client.on('error', () => undefined)
    await client.connect()
    return () => client.destroy()
  })

  it('that lets this server in keeps nothing of the check', async () => {
    const shared = `  share_verdicts: true\n  secret: ${'x'.repeat(32)}`
    for (const more of ['', shared]) {
      expect(await checkStore(url, more)).toEqual({
        code: 0,
        says: 'run.yaml:7: ok: The store lets this server in: it may write, publish and subscribe below "with-auth:".',
      })
    }
    expect(await client.dbSize()).toBe(0)
  })

  it.each([
    [
      RIGHTS,
      0,
      'ok: The store lets this server in: it may write, publish and subscribe below "with-auth:".',
    ],
    [RIGHTS.replace('&with-auth:bus ', ''), 1, 'PUBLISH with-auth:bus, SUBSCRIBE with-auth:bus'],
    [
      RIGHTS.replace('&with-auth:bus:*', ''),
      1,
      'PUBLISH with-auth:bus:check, SUBSCRIBE with-auth:bus:check',
    ],
    [RIGHTS.replace('~with-auth:*', '~with-auth:b:*'), 1, 'SET with-auth:f:all'],
    [RIGHTS.replace('+set ', ''), 1, 'SET with-auth:f:all, SET with-auth:b:check'],
    [RIGHTS.replace('+publish', ''), 1, 'PUBLISH with-auth:bus, PUBLISH with-auth:bus:check'],
    [RIGHTS.replace('+info', ''), 1, 'INFO replication'],
    [RIGHTS.replace('+multi', ''), 1, 'MULTI'],
    [RIGHTS.replace('+exec', ''), 1, 'EXEC'],
    ['', 1, NOT_IN],
  ])('whose user has the rights %s', async (rights, exit, says) => {
    await client.sendCommand(['ACL', 'DELUSER', 'app'])
    const [host = ''] = url.split('//').slice(1)
    await client.sendCommand([
      'ACL',
      'SETUSER',
      'app',
      'on',
      '>Passw0rd-of-app',
      'resetchannels',
      ...rights.split(' ').filter(Boolean),
    ])
    const text = /^(?:ok|error): /.test(says)
      ? says
      : `error: The user of the store may not use all commands that are needed. It lacks: ${says}.\n    Give it the rights of the ACL in the documentation.`
    expect(await checkStore(`redis://app:Passw0rd-of-app@${host}`)).toEqual({
      code: exit,
      says: `run.yaml:7: ${text}`,
    })
    expect(await client.dbSize()).toBe(0)
  })

  it('that asks for a password, or rejects it', async () => {
    const { port, url: locked } = await startEngine(name, { args: ['--requirepass', 'Passw0rd'] })
    expect(await checkStore(locked)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the engine asks for a password: put it into "url".',
    })
    expect(await checkStore(`redis://:wrong-Passw0rd@127.0.0.1:${port}`)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the engine rejects the user or the password of "url".',
    })
  })

  it('that is full, gone or silent', async () => {
    const engine = await startEngine(name, {
      args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'],
    })
    expect(await checkStore(engine.url)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the memory of the engine is full and its policy is noeviction: set maxmemory-policy to volatile-ttl.',
    })
    engine.pause()
    expect(await checkStore(engine.url, '', 1000)).toEqual({
      code: 3,
      says: 'run.yaml:7: error: The store did not answer within 1 s.\n    Find out why the service is slow. A firewall that drops packets looks the same.',
    })
    engine.resume()
    await engine.stop()
    expect(await checkStore(engine.url)).toEqual({
      code: 3,
      says: 'run.yaml:7: error: The store cannot be reached (ECONNREFUSED).\n    No server listens on this host and port: is it running, and is the port right?',
    })
  })
})
