import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { expect, it, vi } from 'vitest'
import { setupFolder } from '../../support/temporary-folder.ts'
import { run } from '../../support/tcp-endpoint.ts'
import { createCheck } from '../support/checked.ts'
import type { Socket } from 'node:net'

/** `with-auth check --config` and a store that behaves unlike any engine: its questions, and its findings. */

const check = createCheck(setupFolder())

/** The reply to the last of the commands that a connection has sent, and `''` for none. */
type Reply = (commands: readonly string[]) => string

const SECOND_TRANSACTION = 'EXEC\nMULTI\n'
const INFO = `role:master\r\nmaster_replid:${'a'.repeat(40)}\r\ncluster_enabled:0\r\n`

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`

const asEngine: Reply = (commands) => {
  const [name = '', ...args] = commands.at(-1)?.split(' ') ?? []
  if (commands.join('\n').includes(SECOND_TRANSACTION)) return '+QUEUED\r\n'
  if (name === 'INFO') return bulk(INFO)
  if (name !== 'subscribe') return '+OK\r\n'
  return args.map((one, index) => `*3\r\n${bulk(name)}${bulk(one)}:${index + 1}\r\n`).join('')
}

/** Reads the commands of a connection, and replies to each. */
function serve(socket: Socket, reply: Reply): readonly string[] {
  const commands: string[] = []
  let [count, args]: [number, string[]] = [0, []]
  createInterface(socket).on('line', (line) => {
    if (line.startsWith('*')) [count, args] = [Number(line.slice(1)), []]
    if (/^[*$]\d+$/.test(line)) return
    args.push(line)
    if (args.length < count) return
    commands.push(args.join(' '))
    socket.write(reply(commands))
  })
  return commands
}

/** Checks a file with such a store, whose URL is in line 7. */
async function checkStore(reply: Reply) {
  const connections: (readonly string[])[] = []
  const server = createServer((socket) => void connections.push(serve(socket, reply)))
  const { port, sockets } = await run(server)
  const { printed } = await check(
    `endpoint: http://127.0.0.1:1
cache: {}
context: { headers: [] }
store:
  url: redis://127.0.0.1:${port}
  share_verdicts: true
  secret: ${'x'.repeat(32)}`,
    ['--timeout-ms=1000'],
  )
  const [, says = ''] = printed.split('run.yaml:7: ')
  const named = (name: string): readonly string[] =>
    connections.find(([first]) => first === `CLIENT SETNAME with-auth:${name}`)?.slice(1) ?? []
  return { says, commands: named('commands'), messages: named('messages'), sockets }
}

it('asks a store for every command that an instance sends, executes none that writes, and leaves', async () => {
  const { says, commands, messages, sockets } = await checkStore(asEngine)
  expect(says).toMatch(/^ok: The store lets this server in/)
  expect(commands).toEqual([
    'INFO replication',
    'INFO cluster',
    'MULTI',
    'INFO replication',
    'EXEC',
    'MULTI',
    'SET with-auth:f:all ',
    'SET with-auth:b:check  PX 1000',
    'PUBLISH with-auth:bus ',
    'PUBLISH with-auth:bus:check ',
    'SUBSCRIBE with-auth:bus',
    'SUBSCRIBE with-auth:bus:check',
    'MGET with-auth:f:all with-auth:v:check',
    'SET with-auth:v:check  PX 1000',
  ])
  expect(messages).toEqual(['INFO replication', 'subscribe with-auth:bus with-auth:bus:check'])
  await vi.waitFor(() => expect(sockets.size).toBe(0))
})

it('sends a store nothing more once it does not queue a command, but may have executed it', async () => {
  const { commands } = await checkStore((sent) => asEngine(sent).replace('QUEUED', 'OK'))
  expect(commands.slice(-2)).toEqual(['MULTI', 'SET with-auth:f:all '])
})

it.each<[name: string, Reply, says: string]>([
  [
    'is silent once it is asked about rights',
    (sent) => (sent.at(-1) === 'MULTI' ? '' : asEngine(sent)),
    `error: The store did not answer within 1 s.
    Find out why the service is slow. A firewall that drops packets looks the same.`,
  ],
  [
    'fails in a way that is not known',
    (sent) => (sent.at(-1) === 'INFO cluster' ? '-ODD failure\r\n' : asEngine(sent)),
    `error: The store cannot be reached (ODD).
    Is the service running, and does this machine reach it?`,
  ],
])('a store that %s', async (_, reply, expected) => {
  const { says } = await checkStore(reply)
  expect(says.split('\n').slice(0, 2).join('\n')).toBe(expected)
})
