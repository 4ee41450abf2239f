import { afterEach, expect, it } from 'vitest'
import { connectGuard, stopGuards, until } from '../support/connected-guards.ts'
import type { ClientFactory, RedisClient } from '../../src/redis.ts'

/** Odd answers of an engine. The user gives the client, so it can give any answer. */

afterEach(stopGuards)

const RUN = 'a'.repeat(40)
const OTHER_RUN = 'b'.repeat(40)
const infoOf = (run: string): string => `role:master\r\nmaster_replid:${run}\r\n`

interface Answers {
  /** The answer to `INFO replication`, by the name of the connection. */
  readonly replication?: (name: string) => unknown
  readonly cluster?: string
  readonly transaction?: (commands: readonly string[][]) => unknown
}

function answering({ replication, cluster, transaction }: Answers): ClientFactory {
  return ({ name = '' }) => ({
    ...QUIET,
    sendCommand: async ([, section]) =>
      section === 'cluster'
        ? (cluster ?? 'cluster_enabled:0\r\n')
        : (replication?.(name) ?? infoOf(RUN)),
    multi: () => {
      const commands: string[][] = []
      const chain = {
        addCommand: (args: (string | Buffer)[]) => {
          commands.push(args.map(String))
          return chain
        },
        exec: async () => transaction?.(commands) ?? ['OK', 1, infoOf(RUN)],
      }
      return chain
    },
  })
}

const QUIET: Omit<RedisClient, 'sendCommand' | 'multi'> = {
  connect: async () => undefined,
  subscribe: async () => undefined,
  on: () => undefined,
  unref: () => undefined,
  destroy: () => undefined,
}

const failing = (error: Error) => (): never => {
  throw error
}
class WaitTimeoutError extends Error {}
const isOfMessages = (name: string): boolean => name.endsWith(':messages')

it.each<[string, Answers, string]>([
  [
    'two servers behind one name',
    { replication: (name) => infoOf(isOfMessages(name) ? OTHER_RUN : RUN) },
    'different_primaries',
  ],
  [
    'a history of writes that is only mentioned',
    { replication: () => `role:master\r\nold_master_replid:${RUN}` },
    'invalid_reply',
  ],
  ['a cluster that is only mentioned', { cluster: 'no_cluster_enabled:0' }, 'invalid_reply'],
  ['another primary', { transaction: () => ['OK', 1, infoOf(OTHER_RUN)] }, 'failover'],
  [
    'a write that only a primary takes',
    { transaction: failing(new Error('READONLY You cannot write')) },
    'replica',
  ],
  [
    'a transaction with an error in it',
    {
      transaction: failing(
        Object.assign(new Error('failed'), { replies: ['OK', new Error('NOPERM no right')] }),
      ),
    },
    'NOPERM',
  ],
  [
    'an error with a code of the system',
    { transaction: failing(Object.assign(new Error('hunter2'), { code: 'ECONNRESET' })) },
    'ECONNRESET',
  ],
  [
    'an error of the client, without its message',
    { transaction: failing(new Error('the secret hunter2')) },
    'closed',
  ],
  ['a client that waits no longer', { transaction: failing(new WaitTimeoutError()) }, 'timeout'],
  ['a replica', { replication: () => infoOf(RUN).replace('master', 'slave') }, 'replica'],
  ['a primary in the past', { replication: () => `old_${infoOf(RUN)}` }, 'replica'],
  [
    'two servers whose runs begin alike',
    { replication: (name) => infoOf(isOfMessages(name) ? `${RUN.slice(1)}b` : RUN) },
    'different_primaries',
  ],
  // A code is shown only if it has the form of one, since a message may hold the URL.
  ...[
    ['hunter2', 'closed'],
    ['ECONNRESET by hunter2', 'closed'],
    ['Ehunter', 'closed'],
    ['E2BIG', 'E2BIG'],
    [['ECONNRESET'], 'closed'],
  ].map(([code, cause]): [string, Answers, string] => [
    `an error with the code ${JSON.stringify(code)}`,
    { transaction: failing(Object.assign(new Error('no'), { code })) },
    String(cause),
  ]),
  ['words in capitals', { transaction: failing(new Error('no HOST is there')) }, 'closed'],
  ['a rejection without an error', { transaction: () => Promise.reject('hunter2') }, 'unknown'],
])('is lost by %s, and acknowledges no revocation', async (_what, answers, cause) => {
  const client = answering(answers)
  const url = 'redis://127.0.0.1'
  const guard = connectGuard(() => ({ outcome: 'allow' }), { url, revocationMs: 250, client })
  await guard.ask()
  await until(() => guard.states().includes('lost'))
  expect(guard.events).toContainEqual({ type: 'store', state: 'lost', cause })
  await expect(guard.store.invalidate('all', 100)).rejects.toMatchObject({
    reason: 'revocation_unacknowledged',
  })
})

it.each([
  ['redis', undefined, {}],
  ['rediss', { ca: '-----BEGIN' }, { tls: true, ca: '-----BEGIN' }],
])('makes clients for %s:// with the certificates of `tls`: %j', async (scheme, tls, socket) => {
  const seen: unknown[] = []
  const client: ClientFactory = (options) => {
    seen.push(options)
    return answering({})(options)
  }
  const options = { url: `${scheme}://127.0.0.1`, client, ...(tls && { tls }) }
  await connectGuard(() => ({ outcome: 'allow' }), options).clear()
  const given = {
    url: `${scheme}://127.0.0.1`,
    RESP: 2,
    // Nothing connects again or waits by itself: a new link takes the place of a broken one.
    socket: { reconnectStrategy: false, connectTimeout: 2000, ...socket },
    disableOfflineQueue: true,
    commandOptions: { timeout: 0 },
    disableClientInfo: true,
    commandsQueueMaxLength: 100_000,
  }
  expect(seen).toEqual([
    { ...given, name: 'with-auth:commands' },
    { ...given, name: 'with-auth:messages' },
  ])
})

it('takes an engine that mentions a cluster elsewhere', async () => {
  const client = answering({ cluster: 'no_cluster_enabled:1\r\ncluster_enabled:0\r\n' })
  const url = 'redis://127.0.0.1'
  const guard = connectGuard(() => ({ outcome: 'allow' }), { url, client })
  await expect(guard.clear()).resolves.toBeUndefined()
})
